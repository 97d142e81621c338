// The text of INFO: Redis' sections and field names, filled with what is true here, and a section
// about the cluster. Source: https://redis.io/docs/latest/commands/info/
// A field that INFO has in Redis for something that doesn't exist here has the value it has there
// when the thing isn't used.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace understudy::server {

class Node;

enum class InfoSection : uint8_t {
  kServer,
  kClients,
  kMemory,
  kPersistence,
  kStats,
  kReplication,
  kCpu,
  kModules,
  kCluster,
  kCommandstats,
  kErrorstats,
  kLatencystats,
  kKeyspace,
};
using InfoSections = uint32_t;  // bits 1 << InfoSection

// The sections a client asks for: names, "default", "all", "everything", in any case; none is
// "default"; unknown names are none.
InfoSections ParseInfoSections(std::span<const std::string_view> words);

// Whether the text shows what is in the databases.
bool ShowsKeyspace(InfoSections sections);
// `with_keyspace`: false leaves the lines about databases out (the state here isn't to be shown).
std::string MakeInfo(Node& node, InfoSections sections, bool with_keyspace);

// Takes the samples that the fields about rates and peaks are made from. To be called some times a
// second.
void SampleStatistics(Node& node);

// Bytes that connections of clients and of other nodes hold.
struct ClientMemory {
  uint64_t clients = 0, peers = 0;
};
ClientMemory MeasureClientMemory(Node& node);

// Writes "name:value" lines under "# Section" headings.
class InfoText {
 public:
  void Section(std::string_view name);
  void Text(std::string_view name, std::string_view value);
  void Number(std::string_view name, int64_t value);
  void Number(std::string_view name, uint64_t value);
  void Number(std::string_view name, int value) { Number(name, static_cast<int64_t>(value)); }
  void Flag(std::string_view name, bool value) { Number(name, value ? 1 : 0); }
  void Decimal(std::string_view name, double value, int digits, std::string_view unit = {});
  void Seconds(std::string_view name, int64_t seconds, int64_t micros);
  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

// The sections about other nodes, in a file of their own (info_cluster.cc).
void AppendReplicationInfo(Node& node, InfoText* info);
void AppendClusterInfo(Node& node, InfoText* info);

}  // namespace understudy::server
