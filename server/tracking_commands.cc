// CLIENT TRACKING, CACHING, GETREDIR, TRACKINGINFO.
// Source: https://redis.io/docs/latest/commands/client-tracking/ and its neighbours.
#include <optional>

#include "protocol/numbers.h"
#include "server/node.h"
#include "server/node_commands.h"

namespace understudy::server {

namespace {

using protocol::EqualsIgnoreCase;

struct Wanted {
  bool on = false;
  TrackingState state;
  std::vector<std::string> prefixes;
};

// False: an error was replied.
bool Parse(NodeRequest& request, Wanted* wanted) {
  auto fail = [&](std::string_view error) {
    request.reply.Error(error);
    return false;
  };
  const auto& args = request.args;
  for (size_t i = 3; i < args.size(); ++i) {
    bool more = i + 1 < args.size();
    if (EqualsIgnoreCase(args[i], "redirect") && more) {
      if (wanted->state.redirect != 0) {
        return fail("ERR A client can only redirect to a single other client");
      }
      std::optional<int64_t> id = protocol::ParseInteger(args[++i]);
      if (!id) return fail(protocol::kNotIntegerError);
      // By the time it is looked up again it may be gone; now it must be there.
      if (request.node.connections().Find(static_cast<uint64_t>(*id)) == nullptr) {
        return fail("ERR The client ID you want redirect to does not exist");
      }
      wanted->state.redirect = static_cast<uint64_t>(*id);
    } else if (EqualsIgnoreCase(args[i], "bcast")) {
      wanted->state.broadcast = true;
    } else if (EqualsIgnoreCase(args[i], "optin")) {
      wanted->state.opt_in = true;
    } else if (EqualsIgnoreCase(args[i], "optout")) {
      wanted->state.opt_out = true;
    } else if (EqualsIgnoreCase(args[i], "noloop")) {
      wanted->state.no_loop = true;
    } else if (EqualsIgnoreCase(args[i], "prefix") && more) {
      wanted->prefixes.emplace_back(args[++i]);
    } else {
      return fail(protocol::kSyntaxError);
    }
  }
  wanted->on = EqualsIgnoreCase(args[2], "on");
  if (!wanted->on && !EqualsIgnoreCase(args[2], "off")) return fail(protocol::kSyntaxError);
  return true;
}

// Empty: the client may track so.
std::string WhyNot(const TrackingState* old, const Wanted& wanted) {
  const TrackingState& state = wanted.state;
  if (!state.broadcast && !wanted.prefixes.empty()) {
    return "ERR PREFIX option requires BCAST mode to be enabled";
  }
  if (old != nullptr && old->broadcast != state.broadcast) {
    return "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and "
           "then re-enabling it with a different mode.";
  }
  if (state.broadcast && (state.opt_in || state.opt_out)) {
    return "ERR OPTIN and OPTOUT are not compatible with BCAST";
  }
  if (state.opt_in && state.opt_out) {
    return "ERR You can't specify both OPTIN mode and OPTOUT mode";
  }
  if (old != nullptr && ((state.opt_in && old->opt_out) || (state.opt_out && old->opt_in))) {
    return "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and "
           "then re-enabling it with a different mode.";
  }
  if (!state.broadcast) return "";
  static const std::set<std::string> kNone;
  return OverlapError(old == nullptr ? kNone : old->prefixes, wanted.prefixes);
}

void HandleTracking(NodeRequest& request) {
  Wanted wanted;
  if (!Parse(request, &wanted)) return;
  const std::shared_ptr<TrackingState> old = request.connection.session().tracking;
  if (!wanted.on) {
    request.node.tracking().End(request.connection);
    return request.reply.Ok();
  }
  std::string why = WhyNot(old.get(), wanted);
  if (!why.empty()) return request.reply.Error(why);
  if (old != nullptr) wanted.state.prefixes = old->prefixes;
  if (wanted.state.broadcast && wanted.prefixes.empty()) wanted.prefixes.emplace_back();
  wanted.state.prefixes.insert(wanted.prefixes.begin(), wanted.prefixes.end());
  request.node.tracking().Begin(request.connection, wanted.state);
  request.reply.Ok();
}

void HandleCaching(NodeRequest& request) {
  TrackingState* state = request.connection.session().tracking.get();
  if (state == nullptr) {
    return request.reply.Error(
        "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or "
        "OPTOUT mode enabled");
  }
  if (EqualsIgnoreCase(request.args[2], "yes")) {
    if (!state->opt_in) {
      return request.reply.Error(
          "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
    }
    state->caching = TrackingState::Caching::kYes;
  } else if (EqualsIgnoreCase(request.args[2], "no")) {
    if (!state->opt_out) {
      return request.reply.Error(
          "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
    }
    state->caching = TrackingState::Caching::kNo;
  } else {
    return request.reply.Error(protocol::kSyntaxError);
  }
  request.reply.Ok();
}

void HandleGetredir(NodeRequest& request) {
  const TrackingState* state = request.connection.session().tracking.get();
  request.reply.Integer(state == nullptr ? -1 : static_cast<int64_t>(state->redirect));
}

void HandleTrackinginfo(NodeRequest& request) {
  using Caching = TrackingState::Caching;
  const TrackingState* state = request.connection.session().tracking.get();
  std::vector<std::string_view> flags;
  if (state == nullptr) {
    flags.emplace_back("off");
  } else {
    flags.emplace_back("on");
    if (state->broadcast) flags.emplace_back("bcast");
    if (state->opt_in) {
      flags.emplace_back("optin");
      if (state->caching == Caching::kYes) flags.emplace_back("caching-yes");
    }
    if (state->opt_out) {
      flags.emplace_back("optout");
      if (state->caching == Caching::kNo) flags.emplace_back("caching-no");
    }
    if (state->no_loop) flags.emplace_back("noloop");
    if (state->broken_redirect) flags.emplace_back("broken_redirect");
  }
  auto& reply = request.reply;
  reply.Map(3);
  reply.Bulk("flags");
  reply.Set(flags.size());
  for (std::string_view flag : flags) reply.Bulk(flag);
  reply.Bulk("redirect");
  reply.Integer(state == nullptr ? -1 : static_cast<int64_t>(state->redirect));
  reply.Bulk("prefixes");
  reply.Array(state == nullptr ? 0 : state->prefixes.size());
  if (state == nullptr) return;
  for (const std::string& prefix : state->prefixes) reply.Bulk(prefix);
}

}  // namespace

std::span<const NamedHandler> TrackingCommandHandlers() {
  static constexpr NamedHandler kHandlers[] = {
      {"client|tracking", HandleTracking},
      {"client|caching", HandleCaching},
      {"client|getredir", HandleGetredir},
      {"client|trackinginfo", HandleTrackinginfo},
  };
  return kHandlers;
}

}  // namespace understudy::server
