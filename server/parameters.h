// The table of a node's parameters. Command line, configuration file, CONFIG GET, SET and REWRITE
// and the help text are all made from it: a parameter is added by one row.
//
// A row is either a field of Options; or *fixed*: a parameter of Redis that has one value here,
// answered because clients ask for it, and accepted only with that value; or *kept*: one that has
// nothing to decide here, whatever its value, which is checked, kept, shown, and changes nothing.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/options.h"

namespace understudy::server {

struct Parameter {
  enum class Change : uint8_t {
    kAtRunTime,
    kAtStart,  // CONFIG SET: "can't set immutable config"
    kFixed,    // see above
    kKept,     // see above; at run time too
  };
  enum class Unit : uint8_t { kNone, kMemory };
  using Field =
      std::variant<std::monostate, bool Options::*, int64_t Options::*, std::string Options::*,
                   std::vector<std::string> Options::*, FsyncPolicy Options::*, ReadMode Options::*,
                   LoadCommand Options::*, Logger::Level Options::*, OutputLimits Options::*,
                   targets::EvictionPolicy Options::*>;
  // Further conditions on a text, or on each text of a list.
  using Check = bool (*)(std::string_view text, std::string* why);

  std::string_view group;  // heading in the help; rows of a group follow each other
  std::string_view name;
  std::string_view alias = {};  // an older name that Redis still takes; shown only if asked for
  Field field;
  Change change = Change::kAtStart;
  std::string_view value_name;  // "<port>"
  std::string_view help;
  int64_t min = 0, max = std::numeric_limits<int64_t>::max();  // of integers, inclusive
  Unit unit = Unit::kNone;
  bool clamp = false;  // what is out of the limits is brought into them instead of refused
  Check check = nullptr;
  char separator = ' ';               // of lists
  std::string_view fixed_value = {};  // kFixed: the value; kKept: the one at first

  bool fixed() const { return change == Change::kFixed; }
  bool kept() const { return change == Change::kKept; }
  // May be given as several words: lists, buffer limits, fixed values.
  bool TakesSeveralWords() const;
};

std::span<const Parameter> Parameters();
// Any case; nullptr: unknown.
const Parameter* FindParameter(std::string_view name);

// The value as CONFIG GET shows it.
std::string FormatParameter(const Parameter& parameter, const Options& options);
// The value as words of a configuration file's line.
std::vector<std::string> ParameterWords(const Parameter& parameter, const Options& options);
// False, with options unchanged and Redis' words in `why`, if the value is bad. Whether the
// parameter may be changed now is the caller's question.
bool SetParameter(const Parameter& parameter, std::span<const std::string> words, Options* options,
                  std::string* why);

// "100", "1k" (1000), "1kb" (1024), m, mb, g, gb, "1b"; any case. False: not such a number.
bool ParseMemory(std::string_view text, int64_t* bytes);

}  // namespace understudy::server
