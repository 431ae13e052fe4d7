#include "harness/interpreter/assembler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "harness/base/text.hpp"

namespace tally::bytecode {
namespace {

using words = std::vector<std::string>;

constexpr std::array<std::string_view, 5> functions{"range", "floor", "put", "get", "deepcopy"};
constexpr std::array function_codes{native_function::range, native_function::floor, native_function::put, native_function::get,
                                    native_function::deepcopy};
static_assert(functions.size() == function_codes.size());
constexpr std::array<std::string_view, 3> list_methods{"append", "pop_first", "pop_last"};
constexpr std::array list_method_codes{native_function::append, native_function::pop_first, native_function::pop_last};
static_assert(list_methods.size() == list_method_codes.size());

enum class operand { nothing, local, constant, global, label, number, attribute, method, list_method };

struct op_info {
  std::string_view name;
  op what;
  operand takes = operand::nothing;
  bool pushes = false;
};
constexpr std::array ops{
    op_info{"fast", op::fast, operand::local, true},
    op_info{"store", op::store, operand::local},
    op_info{"constant", op::constant, operand::constant, true},
    op_info{"global", op::global, operand::global, true},
    op_info{"closed", op::closed, operand::number, true},
    op_info{"pop", op::pop},
    op_info{"add", op::add},
    op_info{"subtract", op::subtract},
    op_info{"multiply", op::multiply},
    op_info{"equal", op::equal},
    op_info{"less", op::less},
    op_info{"jump", op::jump, operand::label},
    op_info{"jump_if_false", op::jump_if_false, operand::label},
    op_info{"again", op::again, operand::label},
    op_info{"resume", op::resume},
    op_info{"tuple", op::tuple, operand::number, true},
    op_info{"list", op::list, operand::number, true},
    op_info{"dict", op::dict, operand::number, true},
    op_info{"item", op::item},
    op_info{"store_item", op::store_item},
    op_info{"attribute", op::attribute, operand::attribute},
    op_info{"store_attribute", op::store_attribute, operand::attribute},
    op_info{"method", op::method, operand::method, true},
    op_info{"list_method", op::list_method, operand::list_method, true},
    op_info{"cell", op::cell, operand::local},
    op_info{"function", op::function, operand::number},
    op_info{"call", op::call, operand::number, true},
    op_info{"give_back", op::give_back},
    op_info{"yield", op::yield, operand::nothing, true},
    op_info{"iterate", op::iterate, operand::label, true},
};

template <class Names>
std::int32_t place_in(const Names& names, std::string_view name) {
  const auto found = std::ranges::find(names, name);
  return found == names.end() ? -1 : static_cast<std::int32_t>(found - names.begin());
}

struct class_text {
  std::string name;
  words attributes, methods;  // the first method is __init__, whether there is one or not
  std::vector<std::int32_t> functions;
  std::int32_t object = -1;
};

class assembler {
 public:
  explicit assembler(std::string_view text) {
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
      std::istringstream parts(line);
      for (std::string part; std::getline(parts, part, ';');) {
        std::istringstream split(part);
        words of;
        for (std::string word; split >> word;) of.push_back(word);
        if (!of.empty()) lines_.push_back(of);
      }
    }
  }

  image made() {
    first_objects();
    for (const words& line : lines_) declare(line);
    out_.module = add({.what = kind::module, .slots = static_cast<std::uint32_t>(names_.size())});
    for (at_ = 0; at_ < lines_.size();) {
      if (lines_[at_][0] == "def") {
        define();
      } else {
        ++at_;
      }
    }
    for (class_text& c : classes_) {
      named(c.name) = c.object = add({.what = kind::type, .word = c.attributes.size(), .holds = c.functions});
    }
    for (const words& line : lines_) share(line);
    for (std::size_t i = 0; i < functions.size(); ++i) named(functions[i]) = out_.objects[index(out_.builtins)].holds[i];
    named("math") = out_.builtins;
    named("module") = out_.module;
    out_.names = values_;
    out_.main = named("main");
    if (const auto missing = std::ranges::find(values_, -1); missing != values_.end()) {
      throw std::logic_error("no " + names_[static_cast<std::size_t>(missing - values_.begin())]);
    }
    return std::move(out_);
  }

 private:
  static std::size_t index(std::int32_t i) { return static_cast<std::size_t>(i); }
  [[noreturn]] void wrong(const words& line, std::string_view why) const {
    std::string text;
    for (const auto& w : line) text += (text.empty() ? "" : " ") + w;
    throw std::logic_error(fmt::format("{}: {}", text, why));
  }
  std::int32_t add(recipe r) {
    r.slots = std::max(r.slots, static_cast<std::uint32_t>(r.holds.size()));
    out_.objects.push_back(std::move(r));
    return static_cast<std::int32_t>(out_.objects.size() - 1);
  }
  std::int32_t& named(std::string_view name) {
    const std::int32_t i = place_in(names_, name);
    if (i < 0) throw std::logic_error("no " + std::string(name));
    return values_[index(i)];
  }
  class_text& class_named(const words& line, std::string_view name) {
    const auto found = std::ranges::find(classes_, name, &class_text::name);
    if (found == classes_.end()) wrong(line, "no such class");
    return *found;
  }

  // What every program has.
  void first_objects() {
    out_.none = constant("None");
    out_.yes = constant("True");
    out_.no = constant("False");
    out_.name = constant("\"name\"");
    recipe small{.what = kind::tuple, .immortal = true};
    for (std::int64_t i = least_small; i <= most_small; ++i) small.holds.push_back(constant(std::to_string(i)));
    out_.small_ints = add(std::move(small));
    const auto built_in = [&](native_function f) {
      return add({.what = kind::builtin, .word = static_cast<std::uint64_t>(f), .immortal = true});
    };
    recipe all{.what = kind::module}, of_lists{.what = kind::tuple, .immortal = true};
    for (const native_function f : function_codes) all.holds.push_back(built_in(f));
    for (const native_function f : list_method_codes) of_lists.holds.push_back(built_in(f));
    out_.builtins = add(std::move(all));
    out_.list_methods = add(std::move(of_lists));
    for (const auto f : functions) names_.emplace_back(f);
    names_.emplace_back("math");
    names_.emplace_back("module");
  }

  void declare(const words& line) {
    if (line[0] == "class") {
      classes_.push_back(
          {.name = line.at(1), .attributes = {line.begin() + 2, line.end()}, .methods = {"__init__"}, .functions = {-1}});
      names_.push_back(line.at(1));
    } else if (line[0] == "shared") {
      names_.push_back(line.at(2));
    } else if (line[0] == "local") {
      names_.push_back(line.at(1));
      locals_ = {line.begin() + 2, line.end()};
    } else if (line[0] == "def") {
      const std::string name = line.at(1).substr(0, line.at(1).find('('));
      if (const auto dot = name.find('.'); dot != std::string::npos) {
        words& methods = class_named(line, name.substr(0, dot)).methods;
        if (place_in(methods, name.substr(dot + 1)) < 0) methods.push_back(name.substr(dot + 1));
      } else if (line.back() != "nested") {
        names_.push_back(name);
      }
    }
    values_.resize(names_.size(), -1);
  }

  void share(const words& line) {
    if (line[0] == "local") named(line.at(1)) = add({.what = kind::local});
    if (line[0] != "shared") return;
    recipe r{.word = 0};
    std::size_t n = 0;
    if (line[1] == "instance") {
      const class_text& c = class_named(line, line.at(3));
      r.what = kind::shared_instance;
      r.holds = {c.object};
      n = c.attributes.size();
    } else {
      n = std::stoul(line.at(3));
      r.what = line[1] == "list" ? kind::shared_list : kind::shared_dict;
      r.word = n;
      for (std::size_t i = 0; line[1] == "dict" && i < n; ++i) r.holds.push_back(constant(std::to_string(i)));
    }
    for (std::size_t i = 0; i < n; ++i) {
      r.shared.push_back(add({.what = kind::whole, .word = static_cast<std::uint64_t>(first_shared) + i}));
    }
    if (line[1] == "list") r.shared.resize(n + room, -1);
    if (std::exchange(shares_, true)) wrong(line, "there is one shared container, since there is one lock");
    named(line.at(2)) = add(std::move(r));
  }

  std::int32_t constant(const std::string& text) {
    if (const auto known = constants_.find(text); known != constants_.end()) return known->second;
    recipe r{.immortal = true};
    double number = 0;
    if (text == "None") {
      r.what = kind::none;
    } else if (text == "True" || text == "False") {
      r.what = kind::boolean;
      r.word = text == "True" ? 1 : 0;
    } else if (text.front() == '(') {
      r.what = kind::tuple;
      std::istringstream items(text.substr(1, text.size() - 2));
      for (std::string item; std::getline(items, item, ',');) {
        item.erase(0, item.find_first_not_of(' '));
        r.holds.push_back(constant(item));
      }
    } else if (text.front() == '"') {
      r.what = kind::text;
      r.word = ++texts_;  // interned: equal texts are one object, and the number is its hash
    } else if (!to_number(text, number)) {
      throw std::logic_error("no constant: " + text);
    } else if (text.find('.') != std::string::npos) {
      r.what = kind::real;
      r.word = std::bit_cast<std::uint64_t>(number);
    } else {
      r.what = kind::whole;
      r.word = static_cast<std::uint64_t>(static_cast<std::int64_t>(number));
    }
    return constants_[text] = add(std::move(r));
  }

  // From a def line to the next; labels first.
  void define() {
    const words& head = lines_[at_++];
    const std::string& whole = head.at(1);
    const std::string name = whole.substr(0, whole.find('('));
    code made;
    made.name = name;
    made.generates = head.back() == "generates";
    words locals;
    std::string text;
    for (std::size_t i = 1; i < head.size(); ++i) text += head[i];
    std::istringstream arguments(text.substr(name.size() + 1, text.find(')') - name.size() - 1));
    for (std::string one; std::getline(arguments, one, ',');) locals.push_back(one);
    made.arguments = static_cast<std::uint32_t>(locals.size());
    std::map<std::string, std::int32_t> labels;
    std::int32_t length = 0;
    std::size_t end = at_;
    for (; end < lines_.size() && !starts(lines_[end]); ++end) {
      if (lines_[end][0].back() == ':') {
        labels[lines_[end][0].substr(0, lines_[end][0].size() - 1)] = length;
      } else {
        ++length;
      }
    }
    recipe object{.what = kind::code, .word = out_.codes.size()};
    for (; at_ < end; ++at_) {
      if (lines_[at_][0].back() != ':') made.body.push_back(one(lines_[at_], made, locals, labels, object));
    }
    made.locals = static_cast<std::uint32_t>(locals.size());
    out_.codes.push_back(std::move(made));
    const std::int32_t text_object = constant('"' + name + '"');
    const std::int32_t code_object = add(std::move(object));
    if (head.back() == "nested") {
      constants_["code:" + name] = code_object;
      return;
    }
    const std::int32_t function =
        add({.what = kind::function,
             .slots = function_slots,
             .holds = {code_object, out_.module, out_.builtins, text_object, text_object, out_.none, -1}});
    if (const auto dot = name.find('.'); dot != std::string::npos) {
      class_text& c = class_named(head, name.substr(0, dot));
      c.functions.resize(c.methods.size(), -1);
      c.functions[index(place_in(c.methods, name.substr(dot + 1)))] = function;
    } else {
      named(name) = function;
    }
  }
  static bool starts(const words& line) {
    return line[0] == "def" || line[0] == "class" || line[0] == "shared" || line[0] == "local";
  }

  instruction one(const words& line, code& in, words& locals, const std::map<std::string, std::int32_t>& labels, recipe& object) {
    const auto info = std::ranges::find(ops, line[0], &op_info::name);
    if (info == ops.end()) wrong(line, "no such instruction");
    in.most += info->pushes ? 1 : 0;
    instruction made{info->what};
    if (info->takes == operand::nothing) return made;
    std::string with;
    for (std::size_t i = 1; i < line.size(); ++i) with += (i == 1 ? "" : " ") + line[i];
    if (with.empty()) wrong(line, "it has an operand");
    made.argument = resolved(line, info->takes, with, locals, labels, object);
    if (made.argument < 0) wrong(line, "its operand is not there");
    return made;
  }

  std::int32_t resolved(const words& line, operand takes, const std::string& with, words& locals,
                        const std::map<std::string, std::int32_t>& labels, recipe& object) {
    const std::size_t dot = with.find('.');
    switch (takes) {
      case operand::local:
        if (place_in(locals, with) < 0 && line[0] == "store") locals.push_back(with);
        return place_in(locals, with);
      case operand::constant: {
        const std::int32_t it = constant(with);
        if (place_in(object.holds, it) < 0) object.holds.push_back(it);
        return place_in(object.holds, it);
      }
      case operand::global: return place_in(names_, with);
      case operand::label: return labels.contains(with) ? labels.at(with) : -1;
      case operand::number: return std::stoi(with);
      case operand::list_method: return place_in(list_methods, with);
      case operand::method: return place_in(class_named(line, with.substr(0, dot)).methods, with.substr(dot + 1));
      case operand::attribute: {
        const std::string of = with.substr(0, dot), name = with.substr(dot + 1);
        if (of == "math") return place_in(functions, name);
        if (of == "module") return place_in(names_, name);
        if (of == "local") return place_in(locals_, name);
        return place_in(class_named(line, of).attributes, name);
      }
      case operand::nothing: break;
    }
    return -1;
  }
  static std::int32_t place_in(const std::vector<std::int32_t>& all, std::int32_t one) {
    const auto found = std::ranges::find(all, one);
    return found == all.end() ? -1 : static_cast<std::int32_t>(found - all.begin());
  }
  template <class Names>
  static std::int32_t place_in(const Names& names, std::string_view name) {
    return bytecode::place_in(names, name);
  }

  static constexpr std::size_t room = 256;  // for what lanes append to a shared list

  std::vector<words> lines_;
  std::size_t at_ = 0;
  image out_;
  words names_;                       // of the module
  std::vector<std::int32_t> values_;  // what they are
  std::vector<class_text> classes_;
  words locals_;  // of a threading.local
  std::map<std::string, std::int32_t> constants_;
  std::uint64_t texts_ = 0;
  bool shares_ = false;
};

}  // namespace

image assembled(std::string_view text) { return assembler(text).made(); }

}  // namespace tally::bytecode
