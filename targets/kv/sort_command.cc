// SORT and SORT_RO.
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "protocol/numbers.h"
#include "targets/kv/commands.h"
#include "targets/kv/hash_value.h"
#include "targets/kv/list_value.h"
#include "targets/kv/set_value.h"
#include "targets/kv/sorted_set_value.h"

namespace understudy::targets::kv {
namespace {

using protocol::EqualsIgnoreCase;

struct SortOptions {
  bool descending = false, alpha = false;
  int64_t offset = 0, limit = -1;  // limit below 0: none
  std::optional<std::string_view> by;
  std::vector<std::string_view> get;
  std::optional<std::string_view> store;

  // BY a name without '*': as they come.
  bool unsorted() const { return by && by->find('*') == std::string_view::npos; }
};

// An element with what it is sorted by.
struct SortItem {
  std::string text;
  double score = 0;
  std::optional<std::string> weight = {};
};

bool ReadSortOptions(Call& call, bool read_only, SortOptions* options) {
  const auto args = call.args;
  for (size_t i = 2; i < args.size(); ++i) {
    const std::string_view word = args[i];
    const size_t behind = args.size() - i - 1;
    if (EqualsIgnoreCase(word, "ASC")) {
      options->descending = false;
    } else if (EqualsIgnoreCase(word, "DESC")) {
      options->descending = true;
    } else if (EqualsIgnoreCase(word, "ALPHA")) {
      options->alpha = true;
    } else if (EqualsIgnoreCase(word, "LIMIT") && behind >= 2) {
      if (!call.ReadInteger(args[i + 1], &options->offset) ||
          !call.ReadInteger(args[i + 2], &options->limit)) {
        return false;
      }
      i += 2;
    } else if (!read_only && EqualsIgnoreCase(word, "STORE") && behind >= 1) {
      options->store = args[++i];
    } else if (EqualsIgnoreCase(word, "BY") && behind >= 1) {
      options->by = args[++i];
    } else if (EqualsIgnoreCase(word, "GET") && behind >= 1) {
      options->get.push_back(args[++i]);
    } else {
      call.reply.Error(protocol::kSyntaxError);
      return false;
    }
  }
  return true;
}

// What a pattern of BY or GET stands for, for one element: "#" the element, "a*b" the string under
// that key with the element in the place of '*', "a*b->f" a field of the hash there. Valid until
// the next write.
std::optional<Element> LookUp(Call& call, std::string_view pattern, std::string_view text) {
  if (pattern == "#") return Element::OfBytes(text.data(), text.size());
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return std::nullopt;
  std::string_view behind = pattern.substr(star + 1), field;
  const size_t arrow = behind.find("->");
  const bool of_hash = arrow != std::string_view::npos && arrow + 2 < behind.size();
  if (of_hash) {
    field = behind.substr(arrow + 2);
    behind = behind.substr(0, arrow);
  }
  std::string key;
  key.reserve(star + text.size() + behind.size());
  key.append(pattern.substr(0, star)).append(text).append(behind);
  const Entry* entry = call.Find(key);
  if (entry == nullptr) return std::nullopt;
  if (of_hash) {
    if (entry->type() != Type::kHash) return std::nullopt;
    return HashValue(entry->object()).Get(field, call.keyspace.forms());
  }
  if (!entry->IsString()) return std::nullopt;
  if (entry->IsInteger()) return Element(entry->integer());
  return Element::OfBytes(entry->value(), entry->value_size());
}

// The elements of a list, set or sorted set, in the order in which they are kept; backwards if so
// asked.
std::vector<SortItem> Load(const Entry& entry, bool backwards) {
  std::vector<SortItem> items;
  const auto add = [&items](const Element& element) {
    Element::Digits digits;
    items.push_back({std::string(element.Text(&digits))});
  };
  if (entry.type() == Type::kList) {
    const ListValue list(entry.object());
    items.reserve(list.size());
    list.ForEach(backwards ? list.size() - 1 : 0,
                 backwards ? ListValue::End::kFront : ListValue::End::kBack,
                 [&add](size_t, const Element& element) {
                   add(element);
                   return true;
                 });
  } else if (entry.type() == Type::kSet) {
    const SetValue set(entry.object());
    items.reserve(set.size());
    set.ForEach(add);
  } else {
    const SortedSetValue set(entry.object());
    items.reserve(set.size());
    set.ForRange(backwards ? set.size() - 1 : 0, set.size(), backwards,
                 [&add](const Element& member, double) { add(member); });
  }
  return items;
}

// As strtod reads it, which Redis uses: nothing is 0.
bool ReadWeight(const std::string& text, double* score) {
  errno = 0;
  char* end;
  *score = std::strtod(text.c_str(), &end);
  return *end == '\0' && errno != ERANGE && !std::isnan(*score);
}

// Finds out what the items are sorted by; false if one isn't a number and should be.
bool Weigh(Call& call, const SortOptions& options, std::vector<SortItem>* items) {
  bool numbers = true;
  for (SortItem& item : *items) {
    if (!options.by) {
      if (!options.alpha) numbers = ReadWeight(item.text, &item.score) && numbers;
      continue;
    }
    const std::optional<Element> weight = LookUp(call, *options.by, item.text);
    if (!weight) continue;
    Element::Digits digits;
    std::string text(weight->Text(&digits));
    if (options.alpha) {
      item.weight = std::move(text);
    } else {
      numbers = ReadWeight(text, &item.score) && numbers;
    }
  }
  return numbers;
}

void Sort(const SortOptions& options, std::vector<SortItem>* items) {
  const auto before = [&options](const SortItem& a, const SortItem& b) {
    if (!options.alpha) return a.score != b.score ? a.score < b.score : a.text < b.text;
    // A missing weight comes first.
    return options.by ? a.weight < b.weight : a.text < b.text;
  };
  std::stable_sort(items->begin(), items->end(), [&](const SortItem& a, const SortItem& b) {
    return options.descending ? before(b, a) : before(a, b);
  });
}

// Keeps what LIMIT asks for.
void Cut(const SortOptions& options, std::vector<SortItem>* items) {
  const auto size = static_cast<int64_t>(items->size());
  const int64_t first = std::clamp<int64_t>(options.offset, 0, size);
  const int64_t count = options.limit < 0 ? size - first : std::min(options.limit, size - first);
  items->erase(items->begin() + first + count, items->end());
  items->erase(items->begin(), items->begin() + first);
}

void StoreSorted(Call& call, const SortOptions& options, const std::vector<SortItem>& items) {
  std::vector<std::string> got;
  std::vector<std::string_view> values;
  got.reserve(items.size() * options.get.size());  // they must not move
  for (const SortItem& item : items) {
    if (options.get.empty()) values.push_back(item.text);
    for (std::string_view pattern : options.get) {
      Element::Digits digits;
      const std::optional<Element> value = LookUp(call, pattern, item.text);
      got.emplace_back(value ? value->Text(&digits) : std::string_view());
      values.push_back(got.back());
    }
  }
  call.FindForWrite(*options.store);
  call.keyspace.StoreList(call.context, call.db, *options.store, values, "sortstore");
  call.reply.Integer(static_cast<int64_t>(values.size()));
}

void ReplySorted(Call& call, const SortOptions& options, const std::vector<SortItem>& items) {
  call.reply.Array(items.size() * std::max<size_t>(options.get.size(), 1));
  for (const SortItem& item : items) {
    if (options.get.empty()) call.reply.Bulk(item.text);
    for (std::string_view pattern : options.get) {
      const std::optional<Element> value = LookUp(call, pattern, item.text);
      value ? value->Reply(&call.reply) : call.reply.Null();
    }
  }
}

void SortCommand(Call& call, bool read_only) {
  SortOptions options;
  if (!ReadSortOptions(call, read_only, &options)) return;
  const Entry* entry = call.Find(call.args[1]);
  if (entry != nullptr && entry->type() != Type::kList && entry->type() != Type::kSet &&
      entry->type() != Type::kSortedSet) {
    return call.reply.Error(protocol::kWrongTypeError);
  }
  // What has no order is stored in one, so that all copies store the same.
  if (options.unsorted() && options.store && entry != nullptr && entry->type() == Type::kSet) {
    options.by.reset();
    options.alpha = true;
  }
  std::vector<SortItem> items;
  if (entry != nullptr) items = Load(*entry, options.unsorted() && options.descending);
  if (!options.unsorted()) {
    if (!Weigh(call, options, &items)) {
      return call.reply.Error("ERR One or more scores can't be converted into double");
    }
    Sort(options, &items);
  }
  Cut(options, &items);
  options.store ? StoreSorted(call, options, items) : ReplySorted(call, options, items);
}

void SortAndStore(Call& call) { SortCommand(call, false); }
void SortReadOnly(Call& call) { SortCommand(call, true); }

}  // namespace

void RegisterSort(HandlerMap* handlers) {
  handlers->insert({{"sort", SortAndStore}, {"sort_ro", SortReadOnly}});
}

}  // namespace understudy::targets::kv
