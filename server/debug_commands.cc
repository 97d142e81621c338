// DEBUG: for tests of the server and of client libraries.
#include <errno.h>
#include <time.h>

#include <algorithm>

#include "protocol/numbers.h"
#include "server/memory_use.h"
#include "server/node.h"
#include "server/node_commands.h"
#include "server/parameters.h"

namespace understudy::server {

namespace {

using protocol::EqualsIgnoreCase;
using protocol::ReplyWriter;

constexpr double kMaxSleepSeconds = 3600;

// Stops the whole event loop, as a host under pressure would.
void Sleep(NodeRequest& request) {
  std::optional<double> seconds = protocol::ParseDouble(request.args[2]);
  if (!seconds) return request.reply.Error(protocol::kNotFloatError);
  double wanted = std::clamp(*seconds, 0.0, kMaxSleepSeconds);
  timespec rest{};
  rest.tv_sec = static_cast<time_t>(wanted);
  rest.tv_nsec = static_cast<long>((wanted - static_cast<double>(rest.tv_sec)) * 1e9);
  // As a long command does.
  request.node.long_command().Begin();
  while (nanosleep(&rest, &rest) != 0 && errno == EINTR) {
  }
  request.node.long_command().End();
  request.node.RefreshNow();
  request.reply.Ok();
}

void SetActiveExpire(NodeRequest& request) {
  std::optional<int64_t> on = protocol::ParseInteger(request.args[2]);
  if (!on) return request.reply.Error(protocol::kNotIntegerError);
  request.node.target_options()->lazy_expiry_only = *on == 0;
  request.reply.Ok();
}

// Of everything executed here; the reply waits until that is committed.
void Digest(NodeRequest& request) {
  // What was committed before this process began is applied bit by bit.
  const ClusterHost& host = request.node.host();
  const cluster::Member& member = host.member();
  const bool begins = member.role() == cluster::Role::kGlobal && !member.serving();
  if (!host.settled() || begins || host.state_index() < member.commit()) {
    return request.reply.Error(kLoadingError);
  }
  request.gate.index = request.node.host().state_index();
  request.reply.Simple(request.node.host().Digest());
}

void JMap(NodeRequest& request) { request.reply.Verbatim("txt", AllocatorReport()); }

void MatchPattern(NodeRequest& request) {
  request.reply.Integer(protocol::GlobMatch(request.args[2], request.args[3]) ? 1 : 0);
}

void Log(NodeRequest& request) {
  request.node.log().Warning("DEBUG LOG: %.*s", static_cast<int>(request.args[2].size()),
                             request.args[2].data());
  request.reply.Ok();
}

void Error(NodeRequest& request) { request.reply.Error(request.args[2]); }

// --- PROTOCOL: one value of each type a reply can have -------------------------------------------

void ThreeNumbers(ReplyWriter* reply) {
  for (int64_t i = 0; i < 3; ++i) reply->Integer(i);
}

void MapOfNumbers(ReplyWriter* reply) {
  reply->Map(3);
  for (int64_t i = 0; i < 3; ++i) {
    reply->Integer(i);
    reply->Bool(i == 1);
  }
}

void WithAttribute(ReplyWriter* reply) {
  if (reply->resp() >= 3) {
    reply->Attribute(1);
    reply->Bulk("key-popularity");
    reply->Array(2);
    reply->Bulk("key:123");
    reply->Integer(90);
  }
  reply->Bulk("Some real reply following the attribute");
}

void WithPush(ReplyWriter* reply) {
  if (reply->resp() < 3) return reply->Error("ERR RESP2 is not supported by this command");
  reply->Push(2);
  reply->Bulk("server-cpu-usage");
  reply->Integer(42);
  // A push answers nothing: who waits for a reply gets one.
  reply->Bulk("Some real reply following the push reply");
}

using Example = void (*)(ReplyWriter* reply);
struct NamedExample {
  std::string_view name;
  Example write;
};
constexpr NamedExample kExamples[] = {
    {"string", [](ReplyWriter* reply) { reply->Bulk("Hello World"); }},
    {"integer", [](ReplyWriter* reply) { reply->Integer(12345); }},
    {"double", [](ReplyWriter* reply) { reply->Double(3.141); }},
    {"bignum",
     [](ReplyWriter* reply) { reply->BigNumber("1234567999999999999999999999999999999"); }},
    {"null", [](ReplyWriter* reply) { reply->Null(); }},
    {"array",
     [](ReplyWriter* reply) {
       reply->Array(3);
       ThreeNumbers(reply);
     }},
    {"set",
     [](ReplyWriter* reply) {
       reply->Set(3);
       ThreeNumbers(reply);
     }},
    {"map", MapOfNumbers},
    {"attrib", WithAttribute},
    {"push", WithPush},
    {"verbatim", [](ReplyWriter* reply) { reply->Verbatim("txt", "This is a verbatim\nstring"); }},
    {"true", [](ReplyWriter* reply) { reply->Bool(true); }},
    {"false", [](ReplyWriter* reply) { reply->Bool(false); }},
};

void Protocol(NodeRequest& request) {
  for (const NamedExample& example : kExamples) {
    if (EqualsIgnoreCase(request.args[2], example.name)) return example.write(&request.reply);
  }
  std::string error = "ERR Wrong protocol type name. Please use one of the following: ";
  for (const NamedExample& example : kExamples) {
    if (error.back() != ' ') error.push_back('|');
    error.append(example.name);
  }
  request.reply.Error(error);
}

void Help(NodeRequest& request) {
  protocol::ReplyToHelp(request.node.table(), request.node.table().at(request.command.container),
                        &request.reply);
}

// RELOAD and LOADAOF: what a restart would make of the state. Both take it through the form of a
// snapshot, since the log alone needn't reach back to the beginning.
void Reload(NodeRequest& request) {
  std::string error;
  if (!request.node.host().ReloadState(&error)) {
    return request.reply.Error("ERR Error trying to load the RDB dump: " + error);
  }
  request.gate.index = request.node.host().state_index();
  request.reply.Ok();
}

void SetPackedThreshold(NodeRequest& request) {
  int64_t bytes = 0;
  if (!ParseMemory(request.args[2], &bytes) || bytes > int64_t{4} << 30) {
    return request.reply.Error(
        "ERR argument must be a memory value bigger than 1 and smaller than 4gb");
  }
  // 0: back to the default.
  const targets::ContainerLimits defaults;
  request.node.target_options()->containers.list_plain_bytes =
      bytes == 0 ? defaults.list_plain_bytes : static_cast<size_t>(bytes);
  request.reply.Ok();
}

void PauseCron(NodeRequest& request) {
  std::optional<int64_t> on = protocol::ParseInteger(request.args[2]);
  if (!on) return request.reply.Error(protocol::kNotIntegerError);
  request.node.set_cron_paused(*on != 0);
  request.reply.Ok();
}

}  // namespace

std::span<const NamedHandler> DebugCommandHandlers() {
  static constexpr NamedHandler kHandlers[] = {
      {"debug", ReplyUnknownSubcommand},
      {"debug|digest", Digest},
      {"debug|error", Error},
      {"debug|help", Help},
      {"debug|jmap", JMap},
      {"debug|loadaof", Reload},
      {"debug|log", Log},
      {"debug|pause-cron", PauseCron},
      {"debug|protocol", Protocol},
      {"debug|quicklist-packed-threshold", SetPackedThreshold},
      {"debug|reload", Reload},
      {"debug|set-active-expire", SetActiveExpire},
      {"debug|sleep", Sleep},
      {"debug|stringmatch-len", MatchPattern},
  };
  return kHandlers;
}

}  // namespace understudy::server
