#include "server/cluster_calls.h"

#include <utility>

#include "protocol/reply_writer.h"
#include "server/peer_codec.h"

namespace understudy::server {

namespace {
constexpr size_t kMaxBatchBytes = 1u << 20;
constexpr std::string_view kClusterDown =
    "CLUSTERDOWN The cluster has no global: a majority of its members can't be reached";
}  // namespace

void ClusterCalls::Add(Call call, std::span<const std::string_view> args) {
  for (std::string_view arg : args) {
    call.bytes.append(arg);
    call.sizes.push_back(static_cast<uint32_t>(arg.size()));
  }
  ++outstanding_;
  bytes_ += call.bytes.size();
  calls_.push_back(std::move(call));
}

bool ClusterCalls::TakeBatch(std::string* batch) {
  batch->clear();
  ForwardedCommand forwarded;
  for (; unsent_from_ < calls_.size() && batch->size() < kMaxBatchBytes; ++unsent_from_) {
    Call& call = calls_[unsent_from_];
    if (call.done) continue;
    forwarded.sequence = first_ + unsent_from_;
    forwarded.client = call.client;
    forwarded.db = call.db;
    forwarded.resp = call.resp;
    forwarded.args.clear();
    size_t offset = 0;
    for (uint32_t size : call.sizes) {
      forwarded.args.push_back(std::string_view(call.bytes).substr(offset, size));
      offset += size;
    }
    AppendForwarded(batch, forwarded);
    call.sent = true;
  }
  return !batch->empty();
}

void ClusterCalls::AskAgain() {
  ++attempt_;
  unsent_from_ = 0;
}

ClusterCalls::Call* ClusterCalls::Find(uint64_t number) {
  if (number < first_ || number - first_ >= calls_.size()) return nullptr;
  Call* call = &calls_[number - first_];
  return call->done ? nullptr : call;
}

void ClusterCalls::OnReply(uint64_t number, std::string_view reply) {
  if (Call* call = Find(number)) Finish(call, reply);
}

void ClusterCalls::OnReply(uint64_t number, uint64_t attempt, std::string_view reply) {
  if (attempt == attempt_) OnReply(number, reply);
}

void ClusterCalls::Finish(Call* call, std::string_view reply) {
  call->done = true;
  --outstanding_;
  bytes_ -= call->bytes.size();
  const Call finished = std::move(*call);
  call->done = true;
  while (!calls_.empty() && calls_.front().done) {
    calls_.pop_front();
    ++first_;
    if (unsent_from_ > 0) --unsent_from_;
  }
  answer_(finished, reply);
}

void ClusterCalls::Expire(cluster::Micros now) {
  if (outstanding_ == 0) return;
  const uint64_t end = first_ + calls_.size();
  for (uint64_t number = first_; number < end; ++number) {
    Call* call = Find(number);
    if (call == nullptr || call->deadline > now) continue;
    std::string reply;
    if (!call->sent) protocol::ReplyWriter(&reply, call->resp).Error(kClusterDown);
    Finish(call, reply);
  }
}

}  // namespace understudy::server
