// MULTI and EXEC: what a connection has queued, and a transaction on its way to the global.
// Source: https://redis.io/docs/latest/develop/using-commands/transactions/
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/types.h"
#include "protocol/command_table.h"

namespace understudy::server {

// Arguments of a request, kept after its bytes are gone.
class KeptArguments {
 public:
  KeptArguments() = default;
  explicit KeptArguments(std::span<const std::string_view> args);
  size_t bytes() const { return bytes_.size(); }
  // Views, valid until this object goes or moves.
  void Views(std::vector<std::string_view>* args) const;

 private:
  std::string bytes_;  // one after the other
  std::vector<uint32_t> sizes_;
};

// The commands between MULTI and EXEC.
struct Transaction {
  static constexpr size_t kMaxBytes = 512u << 20;  // of arguments

  struct Queued {
    const protocol::Command* row;
    KeptArguments args;
  };
  std::vector<Queued> commands;
  size_t bytes = 0;
  bool failed = false;  // a command couldn't be queued: EXEC discards all

  // Has commands that the node answers itself: their replies are put in by the node.
  bool has_node_commands = false;
  // The whole reply, when the node has put its own in: they don't change any more, however often
  // the rest is executed again.
  std::string composed = {};
};

// What the global needs of a transaction: the commands that its targets execute.
//   transaction := seen:varint count:varint watched* count:varint command*
//   watched     := db:varint size:varint key
//   command     := db:varint count:varint (size:varint bytes)*
struct ForwardedTransaction {
  // The origin saw the watched keys untouched up to this entry.
  cluster::Index seen = 0;
  struct Watched {
    int db;
    std::string_view key;
  };
  struct Command {
    int db;
    std::vector<std::string_view> args;
  };
  std::vector<Watched> watched;
  std::vector<Command> commands;
};
// EXEC's reply where one of the commands is refused.
inline std::string TransactionRefusal(std::string_view error) {
  return "EXECABORT Transaction discarded because of: " + std::string(error);
}
void EncodeTransaction(const ForwardedTransaction& transaction, std::string* out);
// Views point into `bytes`. False: malformed.
bool DecodeTransaction(std::string_view bytes, ForwardedTransaction* transaction);

// The length of the first whole reply in `bytes` (RESP2 or RESP3), 0 if there is none.
size_t ReplyLength(std::string_view bytes);

}  // namespace understudy::server
