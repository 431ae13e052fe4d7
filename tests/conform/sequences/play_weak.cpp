// The player's steps on weak refs.
#include "tests/conform/sequences/player.hpp"

namespace tally::conform {

void player::with_weak(kind what, int c, const step& one) {
  auto& weaks = of(c).weaks;
  const std::size_t x = one.a % weaks.size();
  const held w = weaks[x];
  switch (what) {
    case kind::upgrade: {
      if (!room(c)) return;
      const bool owned = model_.at(w.object).owners > 0;
      const bool there = owned || able_.never_frees || able_.estimates || machine_.live() > model_.owned();
      say(c, "upgrades " + name(w.object) + (owned ? "" : ", which has no owner"));
      const int to = refs_.take();
      const bool found = perform({call::upgrade, c, w.cell, no_cell, to}) != 0;
      require(found || !owned, "an upgrade of " + name(w.object) + " failed, and it has owners");
      require(!found || !model_.at(w.object).released, "an upgrade of " + name(w.object) + " succeeded, and it was released");
      require(!found || there, "an upgrade of " + name(w.object) + " succeeded, and it is dead");
      return received(c, to, found, w.object, true);
    }
    case kind::copy_weak: {
      if (weaks.size() >= most_weaks) return;
      say(c, "copies weak " + name(w.object));
      const int to = weaks_.take();
      perform({call::copy_weak, c, w.cell, no_cell, to});
      weaks.push_back({w.object, to});
      return;
    }
    case kind::drop_weak:
      say(c, "drops weak " + name(w.object));
      weaks.erase(weaks.begin() + static_cast<std::ptrdiff_t>(x));
      perform({call::drop_weak, c, w.cell});
      return weaks_.give(w.cell);
    case kind::give_weak: {
      // A weak ref publishes nothing: its object has to be shared.
      const int other = s_.contexts == 1 ? c : (c + 1 + one.b % (s_.contexts - 1)) % s_.contexts;
      if (other == c || !model_.at(w.object).shared || of(other).weaks.size() >= most_weaks) return;
      say(c, "gives weak " + name(w.object) + " to " + std::to_string(other));
      weaks.erase(weaks.begin() + static_cast<std::ptrdiff_t>(x));
      of(other).weaks.push_back(w);
      return;
    }
    case kind::store_weak: {
      if (of(c).refs.empty()) return;
      const held holder = of(c).refs[one.b % of(c).refs.size()];
      if (model_.at(holder.object).shared && !model_.at(w.object).shared) return;
      say(c, "stores weak " + name(w.object) + " in " + name(holder.object));
      weaks.erase(weaks.begin() + static_cast<std::ptrdiff_t>(x));
      perform({call::store_weak, c, holder.cell, w.cell});
      model_.at(holder.object).weak_slot = w.object;
      return weaks_.give(w.cell);
    }
    default: return;
  }
}

}  // namespace tally::conform
