#include "targets/pubsub/pubsub_target.h"

namespace understudy::targets {

namespace {
void Publish(std::string_view name, std::string_view channel, std::string_view message,
             Context& context) {
  context.publisher->Publish(
      {channel, name == "spublish" ? kShardMessage : kMessage, std::span(&message, 1)});
}
}  // namespace

void PubsubTarget::Handle(const Request& request, Context& context) {
  std::string_view name = request.command->row->name, channel = request.args[1];
  Publish(name, channel, request.args[2], context);
  context.effects->Add(0, {name, channel, request.args[2]});
  context.reply->Integer(static_cast<int64_t>(
      context.publisher->Receivers(channel, name == "spublish" ? kShardMessage : kMessage)));
}

bool PubsubTarget::Apply(int, std::span<const std::string_view> args, Context& context) {
  if (args.size() != 3 || (args[0] != "publish" && args[0] != "spublish")) return false;
  Publish(args[0], args[1], args[2], context);
  return true;
}

bool PubsubTarget::Restore(std::string_view snapshot, std::string* error) {
  if (snapshot.empty()) return true;
  *error = "pubsub has no state";
  return false;
}

}  // namespace understudy::targets
