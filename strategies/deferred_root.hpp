// The root of deferred. Included by deferred.hpp, which declares it.
#pragma once

namespace tally::strategies {

// A slot for shared test state: one counted ref.
template <class M, no_options O>
template <class T>
class deferred_heap<M, O>::root {
 public:
  explicit root(deferred_heap&) {}
  void store(context& c, ref<T> r) {
    c.log_.make_room(2);
    if (r) r = c.pack(r);
    if (parcel_) (void)c.unpack(parcel_);
    parcel_ = r;
  }
  [[nodiscard]] ref<T> load(context&) { return parcel_; }
  [[nodiscard]] T* get() const { return context::template payload_or_null<T>(parcel_.at); }

 private:
  parcel<T> parcel_;
};

}  // namespace tally::strategies
