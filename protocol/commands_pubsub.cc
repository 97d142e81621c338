// Commands of publish and subscribe.
#include "protocol/command_rows.h"

namespace understudy::protocol::rows {
namespace {

constexpr uint32_t kSubscribe = kPubsub | kNoScript | kLoading | kStale;

constexpr Argument kChannelArguments[] = {Multiple(String("channel"))};
constexpr Argument kOptionalChannelArguments[] = {Optional(Multiple(String("channel")))};
constexpr Argument kPatternArguments[] = {Multiple(Pattern("pattern"))};
constexpr Argument kOptionalPatternArguments[] = {Optional(Multiple(Pattern("pattern")))};
constexpr Argument kShardChannelArguments[] = {Multiple(String("shardchannel"))};
constexpr Argument kOptionalShardChannelArguments[] = {Optional(Multiple(String("shardchannel")))};
constexpr Argument kPublishArguments[] = {String("channel"), String("message")};
constexpr Argument kSpublishArguments[] = {String("shardchannel"), String("message")};
constexpr Argument kChannelsArguments[] = {Optional(Pattern("pattern"))};
constexpr Argument kNumsubArguments[] = {Optional(Multiple(String("channel")))};
constexpr Argument kShardNumsubArguments[] = {Optional(Multiple(String("shardchannel")))};

constexpr CommandRow kPubsubSubcommands[] = {
    {"channels", -2, kPubsub | kLoading | kStale, 0, Owner::kNode, Group::kPubsub, "2.8.0",
     "Returns the channels that have subscribers on this node.", "O(N), N channels", kNoKeys,
     kChannelsArguments},
    {"numsub", -2, kPubsub | kLoading | kStale, 0, Owner::kNode, Group::kPubsub, "2.8.0",
     "Returns how many subscribers on this node channels have.", "O(N), N channels asked for",
     kNoKeys, kNumsubArguments},
    {"numpat", 2, kPubsub | kLoading | kStale, 0, Owner::kNode, Group::kPubsub, "2.8.0",
     "Returns how many patterns are subscribed to on this node.", "O(1)"},
    {"shardchannels", -2, kPubsub | kLoading | kStale, 0, Owner::kNode, Group::kPubsub, "7.0.0",
     "Returns the shard channels that have subscribers on this node.", "O(N), N shard channels",
     kNoKeys, kChannelsArguments},
    {"shardnumsub", -2, kPubsub | kLoading | kStale, 0, Owner::kNode, Group::kPubsub, "7.0.0",
     "Returns how many subscribers on this node shard channels have.",
     "O(N), N shard channels asked for", kNoKeys, kShardNumsubArguments},
    {"help", 2, kLoading | kStale, 0, Owner::kNode, Group::kPubsub, "6.2.0",
     "Lists the subcommands of PUBSUB.", "O(1)"},
};

constexpr CommandRow kRows[] = {
    {"subscribe", -2, kSubscribe, 0, Owner::kNode, Group::kPubsub, "2.0.0", "Listens to channels.",
     "O(N), N channels", kNoKeys, kChannelArguments},
    {"unsubscribe", -1, kSubscribe, 0, Owner::kNode, Group::kPubsub, "2.0.0",
     "Stops listening to channels, or to all.", "O(N), N channels", kNoKeys,
     kOptionalChannelArguments},
    {"psubscribe", -2, kSubscribe, 0, Owner::kNode, Group::kPubsub, "2.0.0",
     "Listens to the channels that match patterns.", "O(N), N patterns", kNoKeys,
     kPatternArguments},
    {"punsubscribe", -1, kSubscribe, 0, Owner::kNode, Group::kPubsub, "2.0.0",
     "Stops listening to patterns, or to all.", "O(N), N patterns", kNoKeys,
     kOptionalPatternArguments},
    {"ssubscribe", -2, kSubscribe, 0, Owner::kNode, Group::kPubsub, "7.0.0",
     "Listens to shard channels.", "O(N), N shard channels", kNoKeys, kShardChannelArguments},
    {"sunsubscribe", -1, kSubscribe, 0, Owner::kNode, Group::kPubsub, "7.0.0",
     "Stops listening to shard channels, or to all.", "O(N), N shard channels", kNoKeys,
     kOptionalShardChannelArguments},
    {"publish", 3, kPubsub | kLoading | kStale | kFast | kMayReplicate, 0, Owner::kPubsub,
     Group::kPubsub, "2.0.0", "Sends a message to the subscribers of a channel, on every node.",
     "O(N+M), N subscribers, M patterns", kNoKeys, kPublishArguments},
    {"spublish", 3, kPubsub | kLoading | kStale | kFast | kMayReplicate, 0, Owner::kPubsub,
     Group::kPubsub, "7.0.0",
     "Sends a message to the subscribers of a shard channel, on every node.", "O(N), N subscribers",
     kNoKeys, kSpublishArguments},
    Container(kPubsubSubcommands, {"pubsub", -2, 0, 0, Owner::kNode, Group::kPubsub, "2.8.0",
                                   "Describes subscriptions.", "Depends on the subcommand"}),
};

}  // namespace

std::span<const CommandRow> PubsubCommands() { return kRows; }

}  // namespace understudy::protocol::rows
