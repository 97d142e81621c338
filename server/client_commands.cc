// CLIENT and its subcommands. Source: https://redis.io/docs/latest/commands/client-list/ and its
// neighbours.
#include <algorithm>
#include <optional>

#include "protocol/numbers.h"
#include "server/client_text.h"
#include "server/node.h"
#include "server/node_commands.h"

namespace understudy::server {

namespace {

using protocol::EqualsIgnoreCase;

cluster::NodeId GlobalOf(NodeRequest& request) { return request.node.host().member().holder(); }

std::string UnknownType(std::string_view word) {
  return "ERR Unknown client type '" + std::string(word) + "'";
}

void HandleId(NodeRequest& request) {
  request.reply.Integer(static_cast<int64_t>(request.connection.session().id));
}

void HandleSetname(NodeRequest& request) {
  if (!IsPlainText(request.args[2])) return request.reply.Error(kBadClientName);
  request.connection.session().name = request.args[2];
  request.reply.Ok();
}

void HandleGetname(NodeRequest& request) {
  const std::string& name = request.connection.session().name;
  name.empty() ? request.reply.Null() : request.reply.Bulk(name);
}

void HandleSetinfo(NodeRequest& request) {
  Session& session = request.connection.session();
  std::string_view attribute = request.args[2], value = request.args[3];
  if (!IsPlainText(value)) {
    return request.reply.Error("ERR " + std::string(attribute) +
                               " cannot contain spaces, newlines or special characters.");
  }
  if (EqualsIgnoreCase(attribute, "lib-name")) {
    session.lib_name = value;
  } else if (EqualsIgnoreCase(attribute, "lib-ver")) {
    session.lib_version = value;
  } else {
    return request.reply.Error("ERR Unrecognized option '" + std::string(attribute) + "'");
  }
  request.reply.Ok();
}

void HandleInfo(NodeRequest& request) {
  std::string text;
  AppendClientLine(request.connection, GlobalOf(request), request.node.now(), &text);
  request.reply.Verbatim("txt", text);
}

void HandleList(NodeRequest& request) {
  const auto& args = request.args;
  const cluster::NodeId global = GlobalOf(request);
  std::string text;
  auto append = [&](const Connection& connection) {
    AppendClientLine(connection, global, request.node.now(), &text);
  };
  if (args.size() == 2) {
    request.node.connections().ForEach([&](Connection& one) { append(one); });
  } else if (args.size() == 4 && EqualsIgnoreCase(args[2], "type")) {
    ClientType type{};
    if (!ParseClientType(args[3], &type)) return request.reply.Error(UnknownType(args[3]));
    request.node.connections().ForEach([&](Connection& one) {
      if (TypeOf(one.session(), global) == type) append(one);
    });
  } else if (args.size() > 3 && EqualsIgnoreCase(args[2], "id")) {
    for (size_t i = 3; i < args.size(); ++i) {
      std::optional<int64_t> id = protocol::ParseInteger(args[i]);
      if (!id) return request.reply.Error("ERR Invalid client ID");
      const Connection* one = request.node.connections().Find(static_cast<uint64_t>(*id));
      if (one != nullptr) append(*one);
    }
  } else {
    return request.reply.Error(protocol::kSyntaxError);
  }
  request.reply.Verbatim("txt", text);
}

// Which connections CLIENT KILL means.
struct KillFilter {
  std::optional<std::string_view> address, local_address;
  std::optional<uint64_t> id;
  std::optional<ClientType> type;
  bool skip_me = true;

  bool Matches(const Connection& one, const Connection& me, const cluster::NodeId& global) const {
    const Session& session = one.session();
    if (address && *address != session.address) return false;
    if (local_address && *local_address != session.local_address) return false;
    if (id && *id != session.id) return false;
    if (type && *type != TypeOf(session, global)) return false;
    return !(skip_me && &one == &me);
  }
};

// False: an error was replied.
bool ParseKillFilter(NodeRequest& request, KillFilter* filter) {
  const auto& args = request.args;
  auto fail = [&](std::string_view error) {
    request.reply.Error(error);
    return false;
  };
  for (size_t i = 2; i < args.size(); i += 2) {
    if (i + 1 == args.size()) return fail(protocol::kSyntaxError);
    std::string_view name = args[i], value = args[i + 1];
    if (EqualsIgnoreCase(name, "id")) {
      std::optional<int64_t> id = protocol::ParseInteger(value);
      if (!id || *id < 1) return fail("ERR client-id should be greater than 0");
      filter->id = static_cast<uint64_t>(*id);
    } else if (EqualsIgnoreCase(name, "type")) {
      ClientType type{};
      if (!ParseClientType(value, &type)) return fail(UnknownType(value));
      filter->type = type;
    } else if (EqualsIgnoreCase(name, "addr")) {
      filter->address = value;
    } else if (EqualsIgnoreCase(name, "laddr")) {
      filter->local_address = value;
    } else if (EqualsIgnoreCase(name, "user")) {
      // Everyone is "default".
      if (value != "default") return fail("ERR No such user '" + std::string(value) + "'");
    } else if (EqualsIgnoreCase(name, "skipme") && EqualsIgnoreCase(value, "yes")) {
      filter->skip_me = true;
    } else if (EqualsIgnoreCase(name, "skipme") && EqualsIgnoreCase(value, "no")) {
      filter->skip_me = false;
    } else {
      return fail(protocol::kSyntaxError);
    }
  }
  return true;
}

void HandleKill(NodeRequest& request) {
  KillFilter filter;
  bool old_form = request.args.size() == 3;
  if (old_form) {
    filter.address = request.args[2];
    filter.skip_me = false;
  } else if (!ParseKillFilter(request, &filter)) {
    return;
  }
  const cluster::NodeId global = GlobalOf(request);
  int64_t killed = 0;
  bool killed_me = false;
  request.node.connections().ForEach([&](Connection& one) {
    if (!filter.Matches(one, request.connection, global)) return;
    ++killed;
    if (&one == &request.connection) {
      killed_me = true;
    } else {
      one.Close();
    }
  });
  if (!old_form) {
    request.reply.Integer(killed);
  } else if (killed > 0) {
    request.reply.Ok();
  } else {
    request.reply.Error("ERR No such client");
  }
  if (killed_me) request.connection.CloseAfterReplies();  // it gets its reply
}

// Sets `flag` by the word "on" or "off".
void Switch(NodeRequest& request, bool* flag) {
  bool on = EqualsIgnoreCase(request.args[2], "on");
  if (!on && !EqualsIgnoreCase(request.args[2], "off")) {
    return request.reply.Error(protocol::kSyntaxError);
  }
  *flag = on;
  request.reply.Ok();
}

void HandleNoEvict(NodeRequest& request) {
  Switch(request, &request.connection.session().no_evict);
}

void HandleNoTouch(NodeRequest& request) {
  Switch(request, &request.connection.session().no_touch);
}

// OFF and SKIP have no reply themselves; the dispatcher drops those of what follows.
void HandleReply(NodeRequest& request) {
  using Mode = Session::ReplyMode;
  Session& session = request.connection.session();
  if (EqualsIgnoreCase(request.args[2], "on")) {
    session.reply_mode = Mode::kOn;
    request.reply.Ok();
  } else if (EqualsIgnoreCase(request.args[2], "off")) {
    session.reply_mode = Mode::kOff;
  } else if (EqualsIgnoreCase(request.args[2], "skip")) {
    if (session.reply_mode != Mode::kOff) session.reply_mode = Mode::kSkipNext;
  } else {
    request.reply.Error(protocol::kSyntaxError);
  }
}

// Of clients of this node; whether one waits is as its node knows it.
void HandleUnblock(NodeRequest& request) {
  BlockedCommands::End end = BlockedCommands::End::kTimeout;
  const auto& args = request.args;
  if (args.size() == 4 && EqualsIgnoreCase(args[3], "error")) {
    end = BlockedCommands::End::kError;
  } else if (args.size() > 4) {
    return request.reply.Error(
        "ERR unknown subcommand or wrong number of arguments for 'UNBLOCK'. Try CLIENT HELP.");
  } else if (args.size() == 4 && !EqualsIgnoreCase(args[3], "timeout")) {
    return request.reply.Error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  }
  std::optional<int64_t> id = protocol::ParseInteger(args[2]);
  if (!id) return request.reply.Error(protocol::kNotIntegerError);
  Connection* one = request.node.connections().Find(static_cast<uint64_t>(*id));
  const bool unblocked = one != nullptr && request.node.forwarder().Unblock(*one, end);
  request.reply.Integer(unblocked);
}

void HandleHelp(NodeRequest& request) {
  static constexpr std::string_view kLines[] = {
      "GETNAME",
      "    The connection's name.",
      "ID",
      "    The connection's number, unique on this node.",
      "INFO",
      "    Describe this connection.",
      "KILL <ip:port>",
      "    Close the connection made from that address.",
      "KILL <filter> <value> [<filter> <value> [...]]",
      "    Close all connections that match every filter:",
      "    * ADDR <ip:port>",
      "      Made from this address.",
      "    * LADDR <ip:port>",
      "      Made to this address.",
      "    * ID <number>",
      "      With this number.",
      "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
      "      Of this type; the links of other nodes are of type MASTER or REPLICA.",
      "    * USER <name>",
      "      Authenticated as this user.",
      "    * SKIPME (YES|NO)",
      "      Whether to spare this connection (default: yes).",
      "LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB) | ID <number> [<number> ...]]",
      "    Describe this node's connections, all or some.",
      "NO-EVICT (ON|OFF)",
      "    Exempt the connection from eviction of clients.",
      "NO-TOUCH (ON|OFF)",
      "    Choose whether the connection's commands count as use of the keys they access.",
      "REPLY (ON|OFF|SKIP)",
      "    Choose whether the connection gets replies; SKIP: all but the next.",
      "SETINFO (LIB-NAME|LIB-VER) <text>",
      "    Tell the name or the version of the client library.",
      "SETNAME <name>",
      "    Name the connection.",
      "UNBLOCK <number> [TIMEOUT|ERROR]",
      "    End what a connection of this node waits for, as if its time were over, or with an error.",
  };
  ReplyHelp("CLIENT", kLines, &request.reply);
}

}  // namespace

std::span<const NamedHandler> ClientCommandHandlers() {
  static constexpr NamedHandler kHandlers[] = {
      {"client", ReplyUnknownSubcommand}, {"client|id", HandleId},
      {"client|setname", HandleSetname},  {"client|getname", HandleGetname},
      {"client|setinfo", HandleSetinfo},  {"client|info", HandleInfo},
      {"client|list", HandleList},        {"client|kill", HandleKill},
      {"client|no-evict", HandleNoEvict}, {"client|no-touch", HandleNoTouch},
      {"client|reply", HandleReply},      {"client|help", HandleHelp},
      {"client|unblock", HandleUnblock},
  };
  return kHandlers;
}

}  // namespace understudy::server
