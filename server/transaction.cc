#include "server/transaction.h"

#include "protocol/numbers.h"
#include "targets/effect.h"

namespace understudy::server {

using targets::AppendVarint;
using targets::TakeVarint;

namespace {
constexpr int kMaxNesting = 64;

void AppendSized(std::string* out, std::string_view bytes) {
  AppendVarint(out, bytes.size());
  out->append(bytes);
}

bool TakeSized(std::string_view* in, std::string_view* bytes) {
  uint64_t size;
  if (!TakeVarint(in, &size) || size > in->size()) return false;
  *bytes = in->substr(0, size);
  in->remove_prefix(size);
  return true;
}

// A count of things that take at least one byte each.
bool TakeCount(std::string_view* in, uint64_t* count) {
  return TakeVarint(in, count) && *count <= in->size();
}

bool TakeDb(std::string_view* in, int* db) {
  uint64_t number;
  if (!TakeVarint(in, &number) || number > 1u << 20) return false;
  *db = static_cast<int>(number);
  return true;
}

size_t ReplyLengthAt(std::string_view bytes, int depth) {
  size_t end = bytes.find("\r\n");
  if (end == std::string_view::npos || end == 0 || depth > kMaxNesting) return 0;
  size_t length = end + 2;
  char type = bytes[0];
  constexpr std::string_view kSized = "$=!", kAggregates = "*~>%|";
  bool sized = kSized.find(type) != std::string_view::npos;
  bool aggregate = kAggregates.find(type) != std::string_view::npos;
  if (!sized && !aggregate) return length;
  auto count = protocol::ParseInteger(bytes.substr(1, end - 1));
  if (!count || *count < -1) return 0;
  if (*count == -1) return length;
  if (sized) {
    length += static_cast<size_t>(*count) + 2;
    return length <= bytes.size() ? length : 0;
  }
  // An attribute precedes the reply that it belongs to.
  int64_t elements = type == '%' ? *count * 2 : type == '|' ? *count * 2 + 1 : *count;
  for (int64_t i = 0; i < elements; ++i) {
    size_t element = ReplyLengthAt(bytes.substr(length), depth + 1);
    if (element == 0) return 0;
    length += element;
  }
  return length;
}
}  // namespace

KeptArguments::KeptArguments(std::span<const std::string_view> args) {
  size_t bytes = 0;
  for (std::string_view arg : args) bytes += arg.size();
  bytes_.reserve(bytes);
  sizes_.reserve(args.size());
  for (std::string_view arg : args) {
    bytes_.append(arg);
    sizes_.push_back(static_cast<uint32_t>(arg.size()));
  }
}

void KeptArguments::Views(std::vector<std::string_view>* args) const {
  args->clear();
  size_t offset = 0;
  for (uint32_t size : sizes_) {
    args->push_back(std::string_view(bytes_).substr(offset, size));
    offset += size;
  }
}

void EncodeTransaction(const ForwardedTransaction& transaction, std::string* out) {
  AppendVarint(out, transaction.seen);
  AppendVarint(out, transaction.watched.size());
  for (const ForwardedTransaction::Watched& watched : transaction.watched) {
    AppendVarint(out, static_cast<uint64_t>(watched.db));
    AppendSized(out, watched.key);
  }
  AppendVarint(out, transaction.commands.size());
  for (const ForwardedTransaction::Command& command : transaction.commands) {
    AppendVarint(out, static_cast<uint64_t>(command.db));
    AppendVarint(out, command.args.size());
    for (std::string_view arg : command.args) AppendSized(out, arg);
  }
}

bool DecodeTransaction(std::string_view bytes, ForwardedTransaction* transaction) {
  uint64_t count;
  if (!TakeVarint(&bytes, &transaction->seen) || !TakeCount(&bytes, &count)) return false;
  transaction->watched.resize(count);
  for (ForwardedTransaction::Watched& watched : transaction->watched) {
    if (!TakeDb(&bytes, &watched.db) || !TakeSized(&bytes, &watched.key)) return false;
  }
  if (!TakeCount(&bytes, &count)) return false;
  transaction->commands.resize(count);
  for (ForwardedTransaction::Command& command : transaction->commands) {
    if (!TakeDb(&bytes, &command.db) || !TakeCount(&bytes, &count) || count == 0) return false;
    command.args.resize(count);
    for (std::string_view& arg : command.args) {
      if (!TakeSized(&bytes, &arg)) return false;
    }
  }
  return bytes.empty();
}

size_t ReplyLength(std::string_view bytes) { return ReplyLengthAt(bytes, 0); }

}  // namespace understudy::server
