// Strings as arrays of bits: GETBIT, SETBIT, BITCOUNT, BITPOS, BITOP. (BITFIELD: see
// bitfield_commands.cc.)
#include <algorithm>
#include <optional>
#include <vector>

#include "protocol/numbers.h"
#include "targets/kv/bit_arguments.h"
#include "targets/kv/bits.h"
#include "targets/kv/commands.h"

namespace understudy::targets::kv {

bool ReadBitOffset(Call& call, std::string_view text, int width, uint64_t* offset) {
  const bool by_width = width > 0 && !text.empty() && text[0] == '#';
  const std::optional<int64_t> number = protocol::ParseInteger(by_width ? text.substr(1) : text);
  int64_t bit = 0;
  if (!number || __builtin_mul_overflow(*number, by_width ? width : 1, &bit) || bit < 0 ||
      static_cast<uint64_t>(bit) / 8 >= call.options.max_value_bytes) {
    call.reply.Error("ERR bit offset is not an integer or out of range");
    return false;
  }
  *offset = static_cast<uint64_t>(bit);
  return true;
}

namespace {

void GetBit(Call& call) {
  uint64_t offset;
  if (!ReadBitOffset(call, call.args[2], 0, &offset)) return;
  const Entry* entry = call.Find(call.args[1]);
  if (!call.IsStringOrMissing(entry)) return;
  if (entry == nullptr) return call.reply.Integer(0);
  Entry::Digits digits;
  const std::string_view text = entry->Text(&digits);
  const bool bit =
      offset / 8 < text.size() && (static_cast<uint8_t>(text[offset / 8]) << offset % 8 & 0x80);
  call.reply.Integer(bit);
}

void SetBit(Call& call) {
  const std::string_view key = call.args[1];
  constexpr std::string_view kBitError = "ERR bit is not an integer or out of range";
  uint64_t offset;
  int64_t bit;
  if (!ReadBitOffset(call, call.args[2], 0, &offset)) return;
  if (!call.ReadInteger(call.args[3], &bit, kBitError)) return;
  if (bit != 0 && bit != 1) return call.reply.Error(kBitError);
  const Entry* entry = call.FindForWrite(key);
  if (!call.IsStringOrMissing(entry)) return;

  Entry::Digits digits;
  const std::string_view text = entry == nullptr ? std::string_view() : entry->Text(&digits);
  const bool grows = offset / 8 >= text.size();
  const uint8_t before = grows ? 0 : static_cast<uint8_t>(text[offset / 8]);
  const auto mask = static_cast<uint8_t>(0x80 >> offset % 8);
  const bool was = (before & mask) != 0;
  // Redis keeps what SETBIT was used on as raw, whether or not a bit changed.
  if (grows || was != (bit == 1) || entry->encoding() != Encoding::kRaw) {
    const auto after = static_cast<char>(bit == 1 ? before | mask : before & ~mask);
    call.keyspace.SetRange(call.context, call.db, key, offset / 8, {&after, 1}, "setbit");
  }
  call.reply.Integer(was);
}

// A range of BITCOUNT and BITPOS, in bits. No value: nothing is in it.
struct BitRange {
  uint64_t first, last;
};

// `start` and `end` as given, negative from the end, in bytes or bits of a text of that size.
std::optional<BitRange> ResolveRange(int64_t start, int64_t end, bool in_bits, size_t size) {
  const auto total = static_cast<int64_t>(in_bits ? size * 8 : size);
  if (start < 0) start = std::max<int64_t>(start + total, 0);
  if (end < 0) end = std::max<int64_t>(end + total, 0);
  end = std::min(end, total - 1);
  if (start > end) return std::nullopt;
  const auto first = static_cast<uint64_t>(start);
  const auto last = static_cast<uint64_t>(end);
  return in_bits ? BitRange{first, last} : BitRange{first * 8, last * 8 + 7};
}

// Reads BYTE or BIT; false, with the error written, if it is neither.
bool ReadUnit(Call& call, std::string_view text, bool* in_bits) {
  *in_bits = protocol::EqualsIgnoreCase(text, "bit");
  if (*in_bits || protocol::EqualsIgnoreCase(text, "byte")) return true;
  call.reply.Error(protocol::kSyntaxError);
  return false;
}

void BitCount(Call& call) {
  // As Redis up to 7.2: a missing key has no bits, whatever the other arguments are.
  const Entry* entry = call.Find(call.args[1]);
  if (entry == nullptr) return call.reply.Integer(0);
  if (!call.IsStringOrMissing(entry)) return;
  Entry::Digits digits;
  const std::string_view text = entry->Text(&digits);

  const size_t argc = call.args.size();
  if (argc == 2) return call.reply.Integer(static_cast<int64_t>(CountBits(text)));
  if (argc != 4 && argc != 5) return call.reply.Error(protocol::kSyntaxError);
  int64_t start, end;
  bool in_bits = false;
  if (!call.ReadInteger(call.args[2], &start) || !call.ReadInteger(call.args[3], &end)) return;
  // Both before the beginning would otherwise both become 0, and count something. (As in Redis,
  // this comes before a look at the unit.)
  if (start < 0 && end < 0 && start > end) return call.reply.Integer(0);
  if (argc == 5 && !ReadUnit(call, call.args[4], &in_bits)) return;
  const auto range = ResolveRange(start, end, in_bits, text.size());
  call.reply.Integer(range ? static_cast<int64_t>(CountBits(text, range->first, range->last)) : 0);
}

void BitPos(Call& call) {
  int64_t bit;
  if (!call.ReadInteger(call.args[2], &bit)) return;
  if (bit != 0 && bit != 1) return call.reply.Error("ERR The bit argument must be 1 or 0.");
  // A missing key is an endless row of zeros, whatever the other arguments are.
  const Entry* entry = call.Find(call.args[1]);
  if (entry == nullptr) return call.reply.Integer(bit == 1 ? -1 : 0);
  if (!call.IsStringOrMissing(entry)) return;
  Entry::Digits digits;
  const std::string_view text = entry->Text(&digits);

  const size_t argc = call.args.size();
  if (argc > 6) return call.reply.Error(protocol::kSyntaxError);
  int64_t start = 0;
  int64_t end = -1;
  bool in_bits = false;
  if (argc > 3 && !call.ReadInteger(call.args[3], &start)) return;
  if (argc > 5 && !ReadUnit(call, call.args[5], &in_bits)) return;
  if (argc > 4 && !call.ReadInteger(call.args[4], &end)) return;
  const auto range = ResolveRange(start, end, in_bits, text.size());
  if (!range) return call.reply.Integer(-1);
  int64_t position = FindBit(text, bit == 1, range->first, range->last);
  // Without an end the text goes on with zeros.
  if (position < 0 && bit == 0 && argc < 5) position = static_cast<int64_t>(text.size() * 8);
  call.reply.Integer(position);
}

bool ReadBitOperation(std::string_view text, BitOperation* operation) {
  constexpr std::pair<std::string_view, BitOperation> kWords[] = {{"and", BitOperation::kAnd},
                                                                  {"or", BitOperation::kOr},
                                                                  {"xor", BitOperation::kXor},
                                                                  {"not", BitOperation::kNot}};
  for (const auto& [word, value] : kWords) {
    if (!protocol::EqualsIgnoreCase(text, word)) continue;
    *operation = value;
    return true;
  }
  return false;
}

// Stores, or for an empty result deletes, the target of BITOP.
void StoreResult(Keyspace& keyspace, Context& context, int db, std::string_view key,
                 std::string_view result) {
  if (result.empty()) {
    keyspace.Delete(context, db, key);
    return;
  }
  Keyspace::SetOptions options;
  options.form = Keyspace::Form::kRaw;
  keyspace.SetString(context, db, key, result, options);
}

// The sources of BITOP: texts of keys that exist, empty for others.
class Sources {
 public:
  // False if a key isn't a string.
  bool Read(Keyspace& keyspace, Context& context, int db, std::span<const std::string_view> keys) {
    digits_.resize(keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      const Entry* entry = keyspace.Find(context, db, keys[i]);
      if (entry != nullptr && !entry->IsString()) return false;
      texts_.push_back(entry == nullptr ? std::string_view() : entry->Text(&digits_[i]));
    }
    return true;
  }
  std::span<const std::string_view> texts() const { return texts_; }

 private:
  std::vector<Entry::Digits> digits_;
  std::vector<std::string_view> texts_;
};

void BitOp(Call& call) {
  BitOperation operation;
  if (!ReadBitOperation(call.args[1], &operation)) return call.reply.Error(protocol::kSyntaxError);
  const std::string_view target = call.args[2];
  const std::span<const std::string_view> keys = call.args.subspan(3);
  if (operation == BitOperation::kNot && keys.size() != 1) {
    return call.reply.Error("ERR BITOP NOT must be called with a single source key.");
  }
  Sources sources;
  if (!sources.Read(call.keyspace, call.context, call.db, keys)) {
    return call.reply.Error(protocol::kWrongTypeError);
  }
  const std::string result = CombineBits(operation, sources.texts());
  call.reply.Integer(static_cast<int64_t>(result.size()));

  size_t request_size = 0;
  for (std::string_view arg : call.args) request_size += arg.size();
  if (result.size() <= request_size + kBitOpEffectSlack) {
    return StoreResult(call.keyspace, call.context, call.db, target, result);
  }
  // The request is the smaller effect: let the store record nothing, and record the request.
  EffectWriter unrecorded(nullptr);
  Context inner = call.context;
  inner.effects = &unrecorded;
  StoreResult(call.keyspace, inner, call.db, target, result);
  std::vector<std::string_view> effect(call.args.begin(), call.args.end());
  effect[0] = "bitop";
  call.context.effects->Add(call.db, effect);
}

}  // namespace

bool ApplyBitOp(Keyspace& keyspace, int db, std::span<const std::string_view> effect,
                Context& context) {
  BitOperation operation;
  if (effect.size() < 4 || effect[0] != "bitop" || db < 0 || db >= keyspace.databases() ||
      !ReadBitOperation(effect[1], &operation) ||
      (operation == BitOperation::kNot && effect.size() != 4)) {
    return false;
  }
  Sources sources;
  if (!sources.Read(keyspace, context, db, effect.subspan(3))) return false;
  StoreResult(keyspace, context, db, effect[2], CombineBits(operation, sources.texts()));
  return true;
}

void RegisterBitCommands(HandlerMap* handlers) {
  handlers->insert({{"getbit", GetBit},
                    {"setbit", SetBit},
                    {"bitcount", BitCount},
                    {"bitpos", BitPos},
                    {"bitop", BitOp}});
  RegisterBitfieldCommands(handlers);
}

}  // namespace understudy::targets::kv
