// A target of your own: a small state machine that an Understudy cluster makes highly available.
//
// This header is all that a plug-in needs. It includes the standard library only, and there is
// nothing to link with. README.md, "Write your own target", builds one step by step;
// targets/example/ is a whole one, a lock service, with its build and its test.
//
// How it works. Clients send TARGET.CALL <cluster> <argument...> to any node. One node, the global,
// gives the request to Handle(), which reads the state and says in its Answer what is to be replied
// and what is to change: updates (small commands of the target's own), or a whole new state. The
// framework applies that at the global, puts it into the replicated log, and sends the reply when a
// majority of the members has it. Every other member applies the same, in the same order.
//
// What a target keeps to:
//  1. Handle(), OnExit() and OnTimer() read the state and don't change it: they are const. So a
//     request that throws has changed nothing.
//  2. Apply() and Restore() are deterministic: the same state and the same bytes give the same
//     state, on any machine, at any time. No clock, randomness, file, socket or thread: time and
//     randomness come with the request, and what Handle() decided by them goes into the update.
//  3. Equal states have equal Snapshot() bytes, on all members. (Keep what is iterated sorted.)
//  4. No globals: a process runs many clusters, and may run several of one type.
//
// Exceptions. Anything that Handle() throws, UNDERSTUDY_CHECK's CheckFailed included, becomes the
// client's error reply; state, log and other members are as before, however often it is repeated.
// If Apply() or Restore() throws at the global, the same happens: the state is put back to what it
// was, from a copy that the framework keeps for that.
//
// Calls come from one thread, one at a time. Views passed in, and Answer and Reply, are valid
// during the call only. Times are milliseconds since the epoch by the global's clock, which never
// runs backwards, over a change of the global either.
//
// Limits: see the constants. What goes beyond is an error to the client (OnExit(), OnTimer(): to
// the log), and changes nothing.
//
// Versions. kInterfaceVersion grows with every change to what is declared here that a compiled
// plug-in would notice; a server takes plug-ins of its own version and says so otherwise. A
// target's own formats have two versions, kept with its data: of the state (Snapshot()) and of the
// updates. Restore() and Apply() are told the version of what they get, which may be older than
// the plug-in, from a node that hasn't the newer plug-in yet. Nodes whose versions differ are named
// in the log and in INFO. To introduce a new format: first a plug-in that reads both, on all nodes,
// then one that writes the new one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace understudy::plugin {

inline constexpr uint32_t kInterfaceVersion = 1;

inline constexpr size_t kMaxUpdateBytes = 64u << 20;  // of all updates of one answer
inline constexpr size_t kMaxStateBytes = 512u << 20;  // Snapshot(), NewState()
inline constexpr size_t kMaxLinks = 1000000;
inline constexpr size_t kMaxTimers = 100000;
inline constexpr size_t kMaxTimerNameBytes = 256;
inline constexpr size_t kMaxReasonBytes = 1024;  // of Stop(); what is longer is cut

// A client's connection, somewhere in the cluster. Equal fields: the same connection; a number is
// never used twice in one run of a node.
struct Client {
  std::string_view node;  // id of the node it is connected to: 40 hex digits
  uint64_t run = 0;       // that node's run: another one after each start of the process
  uint64_t id = 0;        // CLIENT ID there; 0: not a connection (the node itself)
};

// What a failed UNDERSTUDY_CHECK throws.
class CheckFailed : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

// An assertion of the target's own. Unlike assert() it ends the request, not the process: the
// client gets "ERR <message>".
#define UNDERSTUDY_CHECK(condition, message)                            \
  do {                                                                  \
    if (!(condition)) throw ::understudy::plugin::CheckFailed(message); \
  } while (false)

// Writes one RESP value, which may be an array or a map of values.
class Reply {
 public:
  virtual void Ok() = 0;
  virtual void Simple(std::string_view text) = 0;  // "+text"; without line breaks
  virtual void Error(std::string_view text) = 0;   // "-text": begin it with a word, as "ERR ..."
  virtual void Integer(int64_t value) = 0;
  virtual void Bulk(std::string_view bytes) = 0;
  virtual void Double(double value) = 0;
  virtual void Null() = 0;
  virtual void Array(size_t count) = 0;  // `count` values follow
  virtual void Map(size_t pairs) = 0;    // `pairs` times a key and a value follow

 protected:
  ~Reply() = default;
};

// What a target answers. Everything said here takes effect together, as one log entry, when the
// call has returned; nothing does if it throws or if the reply is an error.
class Answer {
 public:
  // The reply to the client. Nothing written: +OK. In OnExit() and OnTimer() nobody reads it.
  virtual Reply& reply() = 0;

  // Bytes that every member gives to Apply(), in this order.
  virtual void Update(std::string_view bytes) = 0;
  // The state, as Snapshot() writes it; every member gives it to Restore(). Not with Update().
  virtual void NewState(std::string_view state) = 0;
  // Ends the cluster on every node; the reason goes to the log and to whoever asks it afterwards.
  virtual void Stop(std::string_view reason) = 0;

  // From now on OnExit() runs, once, when that client's connection ends, when its node dies or
  // starts again. Linking twice is linking once.
  virtual void Link(const Client& client) = 0;
  virtual void Unlink(const Client& client) = 0;

  // OnTimer() runs, once, when `at_ms` has come: within about 100 ms, or as soon as there is a
  // global again. Setting a timer of the same name replaces it.
  virtual void SetTimer(std::string_view name, int64_t at_ms) = 0;
  virtual void CancelTimer(std::string_view name) = 0;

  // The message goes to the subscribers of that channel, on every node, in the order of the log.
  virtual void Publish(std::string_view channel, std::string_view message) = 0;

 protected:
  ~Answer() = default;
};

struct Request {
  std::span<const std::string_view> args;  // what follows the cluster's name; at least one
  Client client;
  bool linked = false;  // the client is linked to this cluster
  int64_t now_ms = 0;
  uint64_t random = 0;  // 64 bits, others at each request
};

// A link's other end is gone.
struct Exit {
  Client client;
  std::string_view reason;  // "disconnected", "node restarted", "node lost", or what was said
  int64_t now_ms = 0;
  uint64_t random = 0;
};

struct Expiry {
  std::string_view name;
  int64_t at_ms = 0;  // what was asked for
  int64_t now_ms = 0;
  uint64_t random = 0;
};

class Target {
 public:
  virtual ~Target() = default;

  // At the global, for TARGET.CALL and TARGET.CAST.
  virtual void Handle(const Request& request, Answer& answer) const = 0;

  // On every member: an update that Handle(), OnExit() or OnTimer() of some node made, in that
  // version of the updates. Throws if it can't be applied to this state.
  virtual void Apply(std::string_view update, uint32_t version) = 0;

  // The whole state.
  virtual std::string Snapshot() const = 0;
  // Replaces the state. `version`: of the state. Throws if the bytes are damaged or of a version
  // that it doesn't know; what it then leaves behind is put right by the framework.
  virtual void Restore(std::string_view state, uint32_t version) = 0;

  // For people: lines of text, shown by TARGET.STATE.
  virtual std::string Describe() const { return {}; }

  virtual void OnExit(const Exit& /*exit*/, Answer& /*answer*/) const {}
  virtual void OnTimer(const Expiry& /*expiry*/, Answer& /*answer*/) const {}
};

// What a plug-in tells about itself.
struct Plugin {
  uint32_t interface_version = kInterfaceVersion;
  uint32_t size = sizeof(Plugin);
  // Sizes of what crosses the border, to notice another standard library or compiler setting.
  uint32_t sizes[4] = {sizeof(std::string), sizeof(Request), sizeof(Exit), sizeof(Expiry)};
  const char* type = "";     // the word in TARGET.START; letters, digits, '_', '-', '.'
  const char* summary = "";  // one line, for TARGET.TYPES
  uint32_t state_version = 1;
  uint32_t update_version = 1;
  // A target in its first state, made from the arguments of TARGET.START behind the type. They are
  // the same on all members. Throws if they make no sense.
  Target* (*create)(std::span<const std::string_view> args) = nullptr;
  void (*destroy)(Target* target) = nullptr;
};

// The one symbol that a plug-in exports; see UNDERSTUDY_TARGET.
using PluginFunction = const Plugin* (*)();
inline constexpr char kPluginSymbol[] = "understudy_target_plugin";

// Once in a plug-in, outside of all namespaces. `Class` has a constructor that takes
// std::span<const std::string_view>.
#define UNDERSTUDY_TARGET(Class, type_name, summary_text, state_version_number,                   \
                          update_version_number)                                                  \
  extern "C" __attribute__((visibility("default"))) const ::understudy::plugin::Plugin*           \
  understudy_target_plugin() {                                                                    \
    static const ::understudy::plugin::Plugin plugin = [] {                                       \
      ::understudy::plugin::Plugin made;                                                          \
      made.type = type_name;                                                                      \
      made.summary = summary_text;                                                                \
      made.state_version = state_version_number;                                                  \
      made.update_version = update_version_number;                                                \
      made.create = [](std::span<const std::string_view> args) -> ::understudy::plugin::Target* { \
        return new Class(args);                                                                   \
      };                                                                                          \
      made.destroy = [](::understudy::plugin::Target* target) { delete target; };                 \
      return made;                                                                                \
    }();                                                                                          \
    return &plugin;                                                                               \
  }

}  // namespace understudy::plugin
