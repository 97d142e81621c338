// BITFIELD and BITFIELD_RO: integers of any width inside a string.
#include <algorithm>
#include <cstring>
#include <vector>

#include "protocol/argument_reader.h"
#include "protocol/numbers.h"
#include "targets/kv/bit_arguments.h"
#include "targets/kv/bits.h"
#include "targets/kv/commands.h"

namespace understudy::targets::kv {
namespace {

struct FieldOperation {
  enum class Kind : uint8_t { kGet, kSet, kIncrementBy };
  Kind kind;
  FieldType type;
  Overflow overflow;
  uint64_t offset;
  int64_t value;  // to set or to add

  uint64_t last_bit() const { return offset + static_cast<uint64_t>(type.bits) - 1; }
};

// "OVERFLOW word"; false, with the error written, if there is no such word.
bool ReadOverflow(Call& call, std::string_view word, Overflow* overflow) {
  if (protocol::EqualsIgnoreCase(word, "wrap")) {
    *overflow = Overflow::kWrap;
  } else if (protocol::EqualsIgnoreCase(word, "sat")) {
    *overflow = Overflow::kSat;
  } else if (protocol::EqualsIgnoreCase(word, "fail")) {
    *overflow = Overflow::kFail;
  } else {
    call.reply.Error("ERR Invalid OVERFLOW type specified");
    return false;
  }
  return true;
}

// False, with the error written, if the arguments aren't operations.
bool ReadOperations(Call& call, std::vector<FieldOperation>* operations) {
  using Kind = FieldOperation::Kind;
  protocol::ArgumentReader in(call.args, 2);
  Overflow overflow = Overflow::kWrap;
  while (!in.AtEnd()) {
    FieldOperation operation{};
    if (in.Option("GET", 2)) {
      operation.kind = Kind::kGet;
    } else if (in.Option("SET", 3)) {
      operation.kind = Kind::kSet;
    } else if (in.Option("INCRBY", 3)) {
      operation.kind = Kind::kIncrementBy;
    } else if (in.Option("OVERFLOW", 1)) {
      if (!ReadOverflow(call, in.Text(), &overflow)) return false;
      continue;
    } else {
      call.reply.Error(protocol::kSyntaxError);
      return false;
    }
    operation.overflow = overflow;
    if (!FieldType::Parse(in.Text(), &operation.type)) {
      call.reply.Error(
          "ERR Invalid bitfield type. Use something like i16 u8. "
          "Note that u64 is not supported but i64 is.");
      return false;
    }
    if (!ReadBitOffset(call, in.Text(), operation.type.bits, &operation.offset)) return false;
    if (operation.kind != Kind::kGet && !call.ReadInteger(in.Text(), &operation.value)) {
      return false;
    }
    operations->push_back(operation);
  }
  return true;
}

std::string_view TextOf(const Entry* entry, Entry::Digits* digits) {
  return entry == nullptr ? std::string_view() : entry->Text(digits);
}

// Writes one field: no more than the bytes it touches goes into the effect.
void StoreField(Call& call, const FieldOperation& operation, std::string_view text, int64_t value) {
  const size_t first = operation.offset / 8;
  const size_t size = operation.last_bit() / 8 - first + 1;
  char bytes[9];
  std::memcpy(bytes, text.data() + first, size);
  WriteField(bytes, operation.offset % 8, operation.type, value);
  call.keyspace.SetRange(call.context, call.db, call.args[1], first, {bytes, size}, "setbit");
}

void Execute(Call& call, const FieldOperation& operation) {
  using Kind = FieldOperation::Kind;
  const std::string_view key = call.args[1];
  Entry::Digits digits;
  if (operation.kind == Kind::kGet) {
    const std::string_view text = TextOf(call.Find(key, Keyspace::Use::kDontCount), &digits);
    return call.reply.Integer(ReadField(text, operation.offset, operation.type));
  }
  const std::string_view text = TextOf(call.FindForWrite(key), &digits);
  const int64_t before = ReadField(text, operation.offset, operation.type);
  const bool adds = operation.kind == Kind::kIncrementBy;
  int64_t after;
  if (!AddToField(operation.type, operation.overflow, adds ? before : operation.value,
                  adds ? operation.value : 0, &after)) {
    return call.reply.Null();
  }
  if (after != before) StoreField(call, operation, text, after);
  call.reply.Integer(adds ? after : before);
}

// Makes room for all fields that are written, and the string raw, even if an overflow then leaves
// them as they are: that is what Redis shows.
void Prepare(Call& call, const Entry* entry, uint64_t last_bit) {
  Entry::Digits digits;
  const std::string_view text = TextOf(entry, &digits);
  const size_t last_byte = last_bit / 8;
  if (text.size() > last_byte && entry->encoding() == Encoding::kRaw) return;
  const char byte = text.size() > last_byte ? text[last_byte] : '\0';
  call.keyspace.SetRange(call.context, call.db, call.args[1], last_byte, {&byte, 1}, "setbit");
}

void Run(Call& call, bool only_reads) {
  std::vector<FieldOperation> operations;
  if (!ReadOperations(call, &operations)) return;
  bool writes = false;
  uint64_t last_bit = 0;
  for (const FieldOperation& operation : operations) {
    if (operation.kind == FieldOperation::Kind::kGet) continue;
    writes = true;
    last_bit = std::max(last_bit, operation.last_bit());
  }
  if (writes && only_reads) {
    return call.reply.Error("ERR BITFIELD_RO only supports the GET subcommand");
  }
  const Entry* entry = writes ? call.FindForWrite(call.args[1]) : call.Find(call.args[1]);
  if (!call.IsStringOrMissing(entry)) return;
  if (writes) Prepare(call, entry, last_bit);

  call.reply.Array(operations.size());
  for (const FieldOperation& operation : operations) Execute(call, operation);
}

void BitField(Call& call) { Run(call, false); }
void BitFieldRo(Call& call) { Run(call, true); }

}  // namespace

void RegisterBitfieldCommands(HandlerMap* handlers) {
  handlers->insert({{"bitfield", BitField}, {"bitfield_ro", BitFieldRo}});
}

}  // namespace understudy::targets::kv
