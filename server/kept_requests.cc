#include "server/kept_requests.h"

#include <algorithm>
#include <utility>

namespace understudy::server {

void KeptRequests::Add(uint64_t turn, const Request& request,
                       std::span<const std::string_view> args,
                       std::shared_ptr<Transaction> transaction) {
  if (turns_.empty() || turns_.back().turn != turn) {
    if (spare_.empty()) {
      turns_.emplace_back();
    } else {
      turns_.push_back(std::move(spare_.back()));
      spare_.pop_back();
    }
    turns_.back().turn = turn;
  }
  Turn& kept = turns_.back();
  kept.requests.push_back(request);
  Request& added = kept.requests.back();
  added.arguments = static_cast<uint32_t>(args.size());
  const size_t before = kept.bytes.size();
  for (std::string_view arg : args) {
    kept.bytes.append(arg);
    kept.sizes.push_back(static_cast<uint32_t>(arg.size()));
  }
  bytes_ += kept.bytes.size() - before;
  kept.gate.index = std::max(kept.gate.index, request.index);
  if (transaction == nullptr) return;
  kept.transactions.push_back(std::move(transaction));
  added.transaction = static_cast<uint32_t>(kept.transactions.size());
}

void KeptRequests::HoldTurn(uint64_t turn, uint64_t confirm) {
  if (!turns_.empty() && turns_.back().turn == turn) turns_.back().gate.confirm = confirm;
}

bool KeptRequests::Release(cluster::Index commit, uint64_t confirmed, uint64_t turn) {
  const size_t before = turns_.size();
  while (!turns_.empty() && turns_.front().turn < turn &&
         turns_.front().gate.OpenAt(commit, confirmed)) {
    Turn first = std::move(turns_.front());
    turns_.pop_front();
    Recycle(std::move(first));
  }
  return turns_.size() < before;
}

void KeptRequests::Clear() {
  turns_.clear();
  bytes_ = 0;
}

void KeptRequests::Recycle(Turn turn) {
  bytes_ -= turn.bytes.size();
  if (spare_.size() == kReusedTurns || turn.bytes.capacity() > kReusedBytes) return;
  turn.gate = Gate{};
  turn.requests.clear();
  turn.bytes.clear();
  turn.sizes.clear();
  turn.transactions.clear();
  spare_.push_back(std::move(turn));
}

}  // namespace understudy::server
