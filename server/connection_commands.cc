// PING ECHO HELLO AUTH SELECT QUIT RESET READONLY READWRITE: about the connection they come by.
#include <limits>

#include "protocol/argument_reader.h"
#include "protocol/numbers.h"
#include "server/client_text.h"
#include "server/node.h"
#include "server/node_commands.h"

namespace understudy::server {

namespace {

constexpr std::string_view kWrongPassword =
    "WRONGPASS invalid username-password pair or user is disabled.";
constexpr std::string_view kNoPasswordConfigured =
    "ERR AUTH <password> called without any password configured for the default user. Are you sure "
    "your configuration is correct?";
constexpr std::string_view kHelloNotAuthenticated =
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "
    "<proto> "
    "AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol "
    "version at the same time";

// Takes as long for a near miss as for a far one, so that a password can't be guessed piece by
// piece from the time of the answers. The time depends on the length of what the client sent.
bool SamePassword(std::string_view given, std::string_view wanted) {
  unsigned different = given.size() == wanted.size() ? 0 : 1;
  for (size_t i = 0; i < given.size(); ++i) {
    char against = wanted.empty() ? '\0' : wanted[i % wanted.size()];
    different |= static_cast<unsigned char>(given[i] ^ against);
  }
  return different == 0;
}

// There is one user, "default"; without requirepass any password is right for it.
bool Authenticate(NodeRequest& request, std::string_view user, std::string_view password) {
  const std::string& wanted = request.node.config().options().requirepass;
  bool same = SamePassword(password, wanted) || wanted.empty();
  if (user == "default" && same) {
    request.connection.session().authenticated = true;
    return true;
  }
  request.reply.Error(kWrongPassword);
  return false;
}

void HandlePing(NodeRequest& request) {
  if (request.args.size() > 2) {
    return request.reply.Error(protocol::CommandTable::ArityError(request.command));
  }
  const Session& session = request.connection.session();
  if (session.resp == 2 && session.listener()) {
    // Told apart from a message by its form.
    request.reply.Array(2);
    request.reply.Bulk("pong");
    return request.reply.Bulk(request.args.size() == 2 ? request.args[1] : std::string_view());
  }
  if (request.args.size() == 2) return request.reply.Bulk(request.args[1]);
  request.reply.Simple("PONG");
}

void HandleEcho(NodeRequest& request) { request.reply.Bulk(request.args[1]); }

void HandleAuth(NodeRequest& request) {
  if (request.args.size() > 3) return request.reply.Error(protocol::kSyntaxError);
  bool with_user = request.args.size() == 3;
  if (!with_user && request.node.config().options().requirepass.empty()) {
    return request.reply.Error(kNoPasswordConfigured);
  }
  std::string_view user = with_user ? request.args[1] : "default";
  if (Authenticate(request, user, request.args.back())) request.reply.Ok();
}

void ReplyHello(NodeRequest& request) {
  const Session& session = request.connection.session();
  // The reply is in the version just chosen.
  protocol::ReplyWriter reply(request.reply.out(), session.resp);
  reply.Map(7);
  reply.Bulk("server");
  reply.Bulk("redis");
  reply.Bulk("version");
  reply.Bulk(kRedisVersion);
  reply.Bulk("proto");
  reply.Integer(session.resp);
  reply.Bulk("id");
  reply.Integer(static_cast<int64_t>(session.id));
  reply.Bulk("mode");
  reply.Bulk("standalone");
  reply.Bulk("role");
  reply.Bulk("master");  // every node takes writes
  reply.Bulk("modules");
  reply.Array(0);
}

void HandleHello(NodeRequest& request) {
  Session& session = request.connection.session();
  const auto& args = request.args;
  int resp = session.resp;
  if (args.size() > 1) {
    std::optional<int64_t> version = protocol::ParseInteger(args[1]);
    if (!version) {
      return request.reply.Error("ERR Protocol version is not an integer or out of range");
    }
    if (*version != 2 && *version != 3) {
      return request.reply.Error("NOPROTO unsupported protocol version");
    }
    resp = static_cast<int>(*version);
  }
  std::optional<std::string_view> user, password, name;
  for (size_t i = 2; i < args.size();) {
    size_t following = args.size() - 1 - i;
    if (protocol::EqualsIgnoreCase(args[i], "auth") && following >= 2) {
      user = args[i + 1];
      password = args[i + 2];
      i += 3;
    } else if (protocol::EqualsIgnoreCase(args[i], "setname") && following >= 1) {
      name = args[i + 1];
      if (!IsPlainText(*name)) return request.reply.Error(kBadClientName);
      i += 2;
    } else {
      return request.reply.Error("ERR Syntax error in HELLO option '" + std::string(args[i]) + "'");
    }
  }
  if (user && !Authenticate(request, *user, *password)) return;
  if (!session.authenticated) return request.reply.Error(kHelloNotAuthenticated);
  if (name) session.name = *name;
  session.resp = resp;
  ReplyHello(request);
}

void HandleSelect(NodeRequest& request) {
  constexpr int64_t kMin = std::numeric_limits<int>::min(), kMax = std::numeric_limits<int>::max();
  std::optional<int64_t> db = protocol::ParseInteger(request.args[1]);
  if (!db) return request.reply.Error(protocol::kNotIntegerError);
  if (*db < kMin || *db > kMax) {
    return request.reply.Error(
        "ERR value is out of range, value must between -2147483648 and 2147483647");
  }
  if (*db < 0 || *db >= request.node.config().options().databases) {
    return request.reply.Error("ERR DB index is out of range");
  }
  request.connection.session().db = static_cast<int>(*db);
  request.reply.Ok();
}

void HandleQuit(NodeRequest& request) {
  request.reply.Ok();
  request.connection.CloseAfterReplies();
}

// Names of library and version stay: they tell what is behind the connection.
void HandleReset(NodeRequest& request) {
  Session& session = request.connection.session();
  request.node.dispatcher().LeaveChannels(request.connection, "reset");
  request.node.transactions().Reset(request.connection);
  request.node.monitors().Remove(request.connection);
  request.node.tracking().End(request.connection);
  session.name.clear();
  session.db = 0;
  session.resp = 2;
  session.authenticated = request.node.config().options().requirepass.empty();
  session.readonly = false;
  session.no_touch = false;
  session.reply_mode = Session::ReplyMode::kOn;
  request.reply.Simple("RESET");
}

void HandleMonitor(NodeRequest& request) {
  request.node.monitors().Add(request.connection);
  request.reply.Ok();
}

void HandleReadonly(NodeRequest& request) {
  request.connection.session().readonly = true;
  request.reply.Ok();
}

void HandleReadwrite(NodeRequest& request) {
  request.connection.session().readonly = false;
  request.reply.Ok();
}

}  // namespace

std::span<const NamedHandler> ConnectionCommandHandlers() {
  static constexpr NamedHandler kHandlers[] = {
      {"ping", HandlePing},   {"echo", HandleEcho},         {"hello", HandleHello},
      {"auth", HandleAuth},   {"select", HandleSelect},     {"quit", HandleQuit},
      {"reset", HandleReset}, {"readonly", HandleReadonly}, {"readwrite", HandleReadwrite}, {"monitor", HandleMonitor},
  };
  return kHandlers;
}

}  // namespace understudy::server
