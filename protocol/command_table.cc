#include "protocol/command_table.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <optional>

#include "protocol/command_rows.h"
#include "protocol/numbers.h"

namespace understudy::protocol {
namespace {

// Lower-cases the ASCII letters among eight bytes. A byte with its top bit set stays as it is; for
// the others, adding 0x3f (0x25) to the low seven bits carries into the top bit from 'A' on (from
// behind 'Z' on).
uint64_t FoldEight(uint64_t bytes) {
  constexpr uint64_t kEach = 0x0101010101010101u;
  const uint64_t low = bytes & (0x7f * kEach);
  const uint64_t from_a = low + (0x80 - 'A') * kEach;
  const uint64_t behind_z = low + (0x7f - 'Z') * kEach;
  const uint64_t upper = (from_a ^ behind_z) & ~bytes & (0x80 * kEach);
  return bytes | (upper >> 2);
}

template <typename T>
uint64_t Load(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

char LowerAscii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// `lower` is in lower case already.
bool IsWord(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(),
                    [](char a, char b) { return LowerAscii(a) == b; });
}

// Redis' messages end at a NUL byte and cut what the client sent at `limit` bytes.
std::string_view Cut(std::string_view text, size_t limit) {
  return text.substr(0, std::min(text.find('\0'), limit));
}

bool IsPlainRange(const KeySpec& spec) {
  return spec.begin == KeySpec::Begin::kIndex && spec.find == KeySpec::Find::kRange;
}

// The fast form covers key specifications that are ranges at fixed places, either one alone or
// several that follow each other with step 1 (RENAME, BITOP); the others make the keys movable.
void SetFastForm(Command* command) {
  command->first_key = command->last_key = command->key_step = 0;
  const std::span<const KeySpec> specs = command->row->keys;
  for (const KeySpec& spec : specs) {
    if (!IsPlainRange(spec)) continue;
    const int16_t last = spec.a < 0 ? spec.a : static_cast<int16_t>(spec.index + spec.a);
    if (command->first_key == 0) {
      if (specs.size() > 1 && spec.b != 1) continue;
      command->first_key = spec.index;
      command->key_step = spec.b;
    } else if (spec.b != 1 || spec.index != command->last_key + 1) {
      continue;
    }
    command->last_key = last;
  }
}

// Where the keys of one specification are.
struct KeyRange {
  int64_t first = 0, last = -1, step = 1;  // empty: there are none
};

// The place from which the keys of a specification are counted; 0 if its keyword isn't there.
int64_t BeginSearch(const KeySpec& spec, std::span<const std::string_view> args) {
  if (spec.begin == KeySpec::Begin::kIndex) return spec.index;
  const int64_t count = static_cast<int64_t>(args.size());
  const bool forward = spec.index > 0;
  const int64_t step = forward ? 1 : -1;
  for (int64_t i = forward ? spec.index : count + spec.index; i > 0 && i < count; i += step) {
    if (EqualsIgnoreCase(args[static_cast<size_t>(i)], spec.keyword)) return i + 1;
  }
  return 0;
}

// False if the arguments are nonsense, or if the specification can't tell.
bool Locate(const KeySpec& spec, std::span<const std::string_view> args, KeyRange* range) {
  *range = {};
  if (spec.begin == KeySpec::Begin::kUnknown || spec.find == KeySpec::Find::kUnknown ||
      (spec.flags & kKeyIncomplete)) {
    return false;
  }
  const int64_t count = static_cast<int64_t>(args.size());
  const int64_t first = BeginSearch(spec, args);
  if (first == 0) return true;
  if (spec.find == KeySpec::Find::kRange) {
    range->first = first;
    range->step = spec.b;
    if (spec.a >= 0) {
      range->last = first + spec.a;
    } else if (spec.c == 0) {
      range->last = count + spec.a;
    } else {  // the keys are the first 1/limit of what follows, as in XREAD
      range->last = first + ((count - first) / spec.c + spec.a);
    }
    return first <= range->last && range->last < count;
  }
  const int64_t at = first + spec.a;
  if (at >= count) return false;
  const std::optional<int64_t> keys = ParseInteger(args[static_cast<size_t>(at)]);
  if (!keys.has_value() || *keys < 0 || *keys > count) return false;
  if (*keys == 0) return true;  // as in EVAL script 0
  range->first = first + spec.b;
  range->step = spec.c;
  range->last = range->first + (*keys - 1) * spec.c;
  return range->last < count;
}

// Where SORT stores, the last STORE counting; empty if nowhere.
KeyRange LocateSortTarget(std::span<const std::string_view> args) {
  KeyRange range;
  for (size_t i = 2; i + 1 < args.size(); ++i) {
    if (EqualsIgnoreCase(args[i], "STORE")) {
      range.first = range.last = static_cast<int64_t>(i + 1);
    } else if (EqualsIgnoreCase(args[i], "LIMIT")) {
      i += 2;
    } else if (EqualsIgnoreCase(args[i], "BY") || EqualsIgnoreCase(args[i], "GET")) {
      ++i;
    }
  }
  return range;
}

// Calls `visit` with the position of each key and its specification; false as Locate(). The keys
// that SORT makes of its patterns aren't among the arguments, so they are none.
template <typename Visit>
bool ForEachKey(const Command& command, std::span<const std::string_view> args, Visit visit) {
  const bool sorts = command.row->name == "sort" || command.row->name == "sort_ro";
  for (const KeySpec& spec : command.row->keys) {
    if (spec.flags & kKeyNotKey) continue;
    KeyRange range;
    if (sorts && spec.begin == KeySpec::Begin::kUnknown) {
      if ((spec.flags & kKeyOW) == 0) continue;
      range = LocateSortTarget(args);
      if (range.last > 0) visit(static_cast<size_t>(range.last), spec);
      continue;
    }
    if (!Locate(spec, args, &range)) return false;
    for (int64_t i = range.first; i <= range.last; i += range.step) {
      visit(static_cast<size_t>(i), spec);
    }
  }
  return true;
}

// The flags of a key whose specification says that they vary with the arguments.
uint32_t ExactFlags(const Command& command, std::span<const std::string_view> args,
                    uint32_t flags) {
  if (command.full_name == "set") {
    const auto options = args.subspan(std::min<size_t>(args.size(), 3));
    const bool reads = std::any_of(options.begin(), options.end(),
                                   [](std::string_view arg) { return IsWord(arg, "get"); });
    return reads ? kKeyRW | kKeyAccess | kKeyUpdate : kKeyOW | kKeyUpdate;
  }
  if (command.full_name == "bitfield") {
    const auto operations = args.subspan(std::min<size_t>(args.size(), 2));
    const bool writes = std::any_of(operations.begin(), operations.end(), [](std::string_view arg) {
      return IsWord(arg, "set") || IsWord(arg, "incrby");
    });
    return writes ? kKeyRW | kKeyAccess | kKeyUpdate : kKeyRO | kKeyAccess;
  }
  return flags;
}

}  // namespace

CommandTable::CommandTable() {
  // clang-format off
  for (const auto rows : {rows::StringCommands(),
                          rows::ListCommands(),
                          rows::HashCommands(),
                          rows::SetCommands(),
                          rows::SortedSetCommands(),
                          rows::BitmapCommands(),
                          rows::HyperLogLogCommands(),
                          rows::GeoCommands(),
                          rows::StreamCommands(),
                          rows::GenericCommands(),
                          rows::ConnectionCommands(),
                          rows::ServerCommands(),
                          rows::ClusterCommands(),
                          rows::SentinelCommands(),
                          rows::TargetCommands(),
                          rows::DebugCommands(),
                          rows::LatencyCommands(),
                          rows::MemoryCommands(),
                          rows::ScriptingCommands(),
                          rows::TransactionCommands(),
                          rows::PubsubCommands(),
                          rows::PeerCommands()}) {
    // clang-format on
    for (const CommandRow& row : rows) AddRow(row);
  }
  size_t slots = 64;
  while (slots < 3 * commands_.size()) slots *= 2;
  slots_.resize(slots);
  for (const Command& command : commands_) {
    if (command.container == command.id) Insert(command.id);
  }
}

void CommandTable::AddRow(const CommandRow& row) {
  const auto add = [this](const CommandRow& one, uint16_t container) {
    Command command;
    command.row = &one;
    command.id = static_cast<uint16_t>(commands_.size());
    command.container = container == kNoCommand ? command.id : container;
    command.full_name = container == kNoCommand
                            ? std::string(one.name)
                            : commands_[container].full_name + "|" + std::string(one.name);
    SetFastForm(&command);
    commands_.push_back(std::move(command));
    return commands_.back().id;
  };
  assert(commands_.size() + row.subcommands.size() < kNoCommand);
  assert(!row.name.empty());
  const uint16_t id = add(row, kNoCommand);
  for (const CommandRow& subcommand : row.subcommands) {
    assert(FindSubcommand(commands_[id], subcommand.name) == nullptr);
    add(subcommand, id);
  }
}

CommandTable::Name CommandTable::Fold(std::string_view name) {
  Name folded;
  const char* const from = name.data();
  const size_t size = name.size();
  folded.size = static_cast<uint32_t>(size);
  // Loads that overlap: every byte of a name of up to 16 is in, and no byte beyond it is touched.
  if (size >= 8) {
    folded.head = FoldEight(Load<uint64_t>(from));
    folded.tail = FoldEight(Load<uint64_t>(from + size - 8));
  } else if (size >= 4) {
    folded.head = FoldEight(Load<uint32_t>(from) | Load<uint32_t>(from + size - 4) << 32);
  } else if (size > 0) {
    folded.head = FoldEight(Load<uint8_t>(from) | Load<uint8_t>(from + size / 2) << 8 |
                            Load<uint8_t>(from + size - 1) << 16);
  }
  return folded;
}

namespace {
size_t SlotOf(uint64_t head, uint64_t tail, uint32_t size, size_t mask) {
  // Multiplicative hashing (Knuth, TAOCP 3, 6.4) with odd constants; the upper bits are the mixed.
  const uint64_t mixed = (head ^ (tail * 0x9e3779b97f4a7c15u) ^ size) * 0xd6e8feb86659fd93u;
  return (mixed >> 40) & mask;
}
}  // namespace

void CommandTable::Insert(uint16_t id) {
  const std::string_view name = commands_[id].row->name;
  const Name folded = Fold(name);
  const size_t mask = slots_.size() - 1;
  size_t i = SlotOf(folded.head, folded.tail, folded.size, mask);
  for (; slots_[i].id != kNoCommand; i = (i + 1) & mask) {
    assert(commands_[slots_[i].id].row->name != name);
  }
  slots_[i] = {folded, id, !commands_[id].row->subcommands.empty()};
}

const CommandTable::Slot& CommandTable::FindTopLevel(std::string_view name) const {
  const Name folded = Fold(name);
  const size_t mask = slots_.size() - 1;
  for (size_t i = SlotOf(folded.head, folded.tail, folded.size, mask);; i = (i + 1) & mask) {
    const Slot& slot = slots_[i];
    if (slot.id == kNoCommand) return slot;
    if (slot.name.head == folded.head && slot.name.tail == folded.tail &&
        slot.name.size == folded.size) {
      if (folded.size <= 16 || IsWord(name, commands_[slot.id].row->name)) return slot;
    }
  }
}

const Command* CommandTable::FindSubcommand(const Command& container, std::string_view word) const {
  const size_t first = container.id + size_t{1};
  for (size_t id = first; id < commands_.size(); ++id) {
    const Command& command = commands_[id];
    if (command.container != container.id) break;
    if (IsWord(word, command.row->name)) return &command;
  }
  return nullptr;
}

const Command* CommandTable::Find(std::span<const std::string_view> args) const {
  if (args.empty()) return nullptr;
  const Slot& slot = FindTopLevel(args[0]);
  if (slot.id == kNoCommand) return nullptr;
  const Command* const command = &commands_[slot.id];
  if (!slot.is_container || args.size() < 2) return command;
  const Command* const subcommand = FindSubcommand(*command, args[1]);
  return subcommand != nullptr ? subcommand : command;
}

const Command* CommandTable::FindByName(std::string_view full_name) const {
  const size_t bar = full_name.find('|');
  const Slot& slot = FindTopLevel(full_name.substr(0, bar));
  if (slot.id == kNoCommand) return nullptr;
  if (bar == std::string_view::npos) return &commands_[slot.id];
  return FindSubcommand(commands_[slot.id], full_name.substr(bar + 1));
}

std::string CommandTable::UnknownCommandError(std::span<const std::string_view> args) {
  constexpr size_t kShownBytes = 128;  // of the name, and of all arguments together
  std::string shown;
  for (size_t i = 1; i < args.size() && shown.size() < kShownBytes; ++i) {
    const size_t room = kShownBytes - shown.size();
    shown.append("'").append(Cut(args[i], room)).append("' ");
  }
  std::string error = "ERR unknown command '";
  if (!args.empty()) error.append(Cut(args[0], kShownBytes));
  return error.append("', with args beginning with: ").append(shown);
}

std::string CommandTable::UnknownSubcommandError(const Command& container, std::string_view word) {
  std::string error = "ERR unknown subcommand '";
  error.append(Cut(word, 128)).append("'. Try ");
  for (const char c : container.row->name) {
    error += c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
  }
  return error.append(" HELP.");
}

std::string CommandTable::ArityError(const Command& command) {
  return "ERR wrong number of arguments for '" + command.full_name + "' command";
}

bool CommandTable::FindKeys(const Command& command, std::span<const std::string_view> args,
                            std::vector<size_t>* positions) {
  positions->clear();
  return ForEachKey(command, args, [positions](size_t position, const KeySpec&) {
    positions->push_back(position);
  });
}

bool CommandTable::FindKeysAndFlags(const Command& command, std::span<const std::string_view> args,
                                    std::vector<FoundKey>* keys) {
  keys->clear();
  return ForEachKey(command, args, [&](size_t position, const KeySpec& spec) {
    const bool varies = (spec.flags & kKeyVariableFlags) != 0;
    keys->push_back({position, varies ? ExactFlags(command, args, spec.flags) : spec.flags});
  });
}

}  // namespace understudy::protocol
