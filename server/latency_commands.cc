// SLOWLOG and LATENCY: what took long.
// Source: https://redis.io/docs/latest/commands/slowlog-get/, .../latency-latest/ and their
// neighbours.
#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "protocol/numbers.h"
#include "server/node.h"
#include "server/node_commands.h"

namespace understudy::server {

namespace {

using protocol::Command;
using protocol::ReplyWriter;

void HandleHelp(NodeRequest& request) {
  protocol::ReplyToHelp(request.node.table(), request.node.table().at(request.command.container),
                        &request.reply);
}

// --- SLOWLOG ------------------------------------------------------------------------------------

void HandleSlowlogGet(NodeRequest& request) {
  if (request.args.size() > 3) return ReplyUnknownSubcommand(request);
  const auto& entries = request.node.instruments().slow_log().entries();
  size_t count = 10;
  if (request.args.size() == 3) {
    std::optional<int64_t> wanted = protocol::ParseInteger(request.args[2]);
    if (!wanted || *wanted < -1) {
      return request.reply.Error("ERR count should be greater than or equal to -1");
    }
    count = *wanted == -1 ? entries.size() : static_cast<size_t>(*wanted);
  }
  count = std::min(count, entries.size());
  ReplyWriter& reply = request.reply;
  reply.Array(count);
  for (size_t i = 0; i < count; ++i) {
    const SlowLog::Entry& entry = entries[i];
    reply.Array(6);
    reply.Integer(static_cast<int64_t>(entry.id));
    reply.Integer(entry.at_s);
    reply.Integer(entry.duration_us);
    reply.Array(entry.args.size());
    for (const std::string& arg : entry.args) reply.Bulk(arg);
    reply.Bulk(entry.client_address);
    reply.Bulk(entry.client_name);
  }
}

void HandleSlowlogLen(NodeRequest& request) {
  request.reply.Integer(
      static_cast<int64_t>(request.node.instruments().slow_log().entries().size()));
}

void HandleSlowlogReset(NodeRequest& request) {
  request.node.instruments().slow_log().Reset();
  request.reply.Ok();
}

// --- LATENCY ------------------------------------------------------------------------------------

void HandleLatest(NodeRequest& request) {
  const auto& events = request.node.instruments().latency().events();
  request.reply.Array(events.size());
  for (const auto& [name, event] : events) {
    request.reply.Array(4);
    request.reply.Bulk(name);
    request.reply.Integer(event.samples.back().at_s);
    request.reply.Integer(static_cast<int64_t>(event.samples.back().milliseconds));
    request.reply.Integer(static_cast<int64_t>(event.worst_ms));
  }
}

void HandleHistory(NodeRequest& request) {
  const auto& events = request.node.instruments().latency().events();
  auto found = events.find(request.args[2]);
  if (found == events.end()) return request.reply.Array(0);
  request.reply.Array(found->second.samples.size());
  for (const LatencyMonitor::Sample& sample : found->second.samples) {
    request.reply.Array(2);
    request.reply.Integer(sample.at_s);
    request.reply.Integer(static_cast<int64_t>(sample.milliseconds));
  }
}

void HandleReset(NodeRequest& request) {
  LatencyMonitor& latency = request.node.instruments().latency();
  size_t count = 0;
  if (request.args.size() == 2) count = latency.ResetAll();
  for (std::string_view event : request.args.subspan(2)) count += latency.Reset(event) ? 1 : 0;
  request.reply.Integer(static_cast<int64_t>(count));
}

// One column a sample: its height from the least to the greatest, its age below.
std::string Graph(std::string_view name, const LatencyMonitor::Event& event, int64_t now_s) {
  constexpr size_t kColumns = 80;
  constexpr uint64_t kRows = 4;
  size_t first = event.samples.size() > kColumns ? event.samples.size() - kColumns : 0;
  std::span samples = std::span(event.samples).subspan(first);
  uint64_t low = UINT64_MAX, high = 0;
  for (const LatencyMonitor::Sample& sample : samples) {
    low = std::min(low, sample.milliseconds);
    high = std::max(high, sample.milliseconds);
  }
  char head[160];
  snprintf(head, sizeof head,
           "%.*s - high %" PRIu64 " ms, low %" PRIu64 " ms (all time high %" PRIu64 " ms)\n",
           static_cast<int>(std::min<size_t>(name.size(), 64)), name.data(), high, low,
           event.worst_ms);
  std::string out = head;
  out.append(kColumns, '-').push_back('\n');
  for (uint64_t row = kRows; row > 0; --row) {
    for (const LatencyMonitor::Sample& sample : samples) {
      uint64_t height =
          high == low ? 1 : 1 + (sample.milliseconds - low) * (kRows - 1) / (high - low);
      out.push_back(height > row ? '|' : height == row ? '#' : ' ');
    }
    out.push_back('\n');
  }
  std::vector<std::string> ages;
  size_t longest = 0;
  for (const LatencyMonitor::Sample& sample : samples) {
    int64_t age = std::max<int64_t>(0, now_s - sample.at_s);
    ages.push_back(age < 60      ? std::to_string(age) + "s"
                   : age < 3600  ? std::to_string(age / 60) + "m"
                   : age < 86400 ? std::to_string(age / 3600) + "h"
                                 : std::to_string(age / 86400) + "d");
    longest = std::max(longest, ages.back().size());
  }
  out.push_back('\n');
  for (size_t i = 0; i < longest; ++i) {
    for (const std::string& age : ages) out.push_back(i < age.size() ? age[i] : ' ');
    out.push_back('\n');
  }
  return out;
}

void HandleGraph(NodeRequest& request) {
  const auto& events = request.node.instruments().latency().events();
  auto found = events.find(request.args[2]);
  if (found == events.end()) {
    return request.reply.Error("ERR No samples available for event '" +
                               std::string(request.args[2]) + "'");
  }
  request.reply.Verbatim("txt", Graph(found->first, found->second, WallMillis() / 1000));
}

void HandleDoctor(NodeRequest& request) {
  LatencyMonitor& latency = request.node.instruments().latency();
  std::string text;
  if (latency.threshold_ms() == 0) {
    text =
        "The latency monitor is off. CONFIG SET latency-monitor-threshold <milliseconds> makes "
        "it note what holds the server up for longer than that.\n";
  } else if (latency.events().empty()) {
    text = "Nothing held the server up for " + std::to_string(latency.threshold_ms()) +
           " ms or more since the last LATENCY RESET.\n";
  }
  for (const auto& [name, event] : latency.events()) {
    uint64_t sum = 0;
    for (const LatencyMonitor::Sample& sample : event.samples) sum += sample.milliseconds;
    text += name + ": " + std::to_string(event.samples.size()) + " samples, " +
            std::to_string(sum / event.samples.size()) + " ms on average, " +
            std::to_string(event.worst_ms) + " ms at worst.\n";
    if (name == "command") {
      text += "  See SLOWLOG GET for the commands; split what works on very many elements.\n";
    } else if (name == "fast-command") {
      text +=
          "  Commands that take constant time were slow: the host may be short of processor "
          "time or memory.\n";
    } else if (name == "expire-cycle") {
      text += "  Very many keys, or very large ones, expired at the same moment.\n";
    }
  }
  request.reply.Verbatim("txt", text);
}

void ReplyHistogram(const Command& command, const CommandStatistics::Row& row, ReplyWriter* reply) {
  reply->Bulk(command.full_name);
  reply->Map(2);
  reply->Bulk("calls");
  reply->Integer(static_cast<int64_t>(row.calls));
  reply->Bulk("histogram_usec");
  std::vector<std::pair<int64_t, uint64_t>> steps;  // µs, calls up to there
  uint64_t before = 0;
  for (int64_t micros = 1; before < row.histogram->total() && micros < int64_t{1} << 40;
       micros *= 2) {
    // Up to just below the next microsecond: the class that holds it isn't counted further.
    uint64_t count = row.histogram->CountUpTo(static_cast<uint64_t>(micros) * 1000);
    if (count > before) steps.emplace_back(micros, count);
    before = count;
  }
  reply->Map(steps.size());
  for (const auto& [micros, count] : steps) {
    reply->Integer(micros);
    reply->Integer(static_cast<int64_t>(count));
  }
}

void HandleHistogram(NodeRequest& request) {
  const protocol::CommandTable& table = request.node.table();
  const CommandStatistics& statistics = request.node.instruments().statistics();
  std::vector<const Command*> shown;
  auto add = [&](const Command& command) {
    bool there = std::find(shown.begin(), shown.end(), &command) != shown.end();
    if (!there && statistics.row(command).calls > 0) shown.push_back(&command);
  };
  if (request.args.size() == 2) {
    for (const Command& command : table.all()) add(command);
  }
  for (std::string_view name : request.args.subspan(2)) {
    const Command* named = table.FindByName(protocol::ToLower(name));
    if (named == nullptr) continue;
    add(*named);
    if (!named->Has(protocol::kSubcommands)) continue;
    for (const Command& command : table.all()) {
      if (command.container == named->id) add(command);
    }
  }
  request.reply.Map(shown.size());
  for (const Command* command : shown) {
    ReplyHistogram(*command, statistics.row(*command), &request.reply);
  }
}

}  // namespace

std::span<const NamedHandler> LatencyCommandHandlers() {
  static constexpr NamedHandler kHandlers[] = {
      {"slowlog", ReplyUnknownSubcommand}, {"slowlog|get", HandleSlowlogGet},
      {"slowlog|len", HandleSlowlogLen},   {"slowlog|reset", HandleSlowlogReset},
      {"slowlog|help", HandleHelp},        {"latency", ReplyUnknownSubcommand},
      {"latency|latest", HandleLatest},    {"latency|history", HandleHistory},
      {"latency|reset", HandleReset},      {"latency|graph", HandleGraph},
      {"latency|doctor", HandleDoctor},    {"latency|histogram", HandleHistogram},
      {"latency|help", HandleHelp},
  };
  return kHandlers;
}

}  // namespace understudy::server
