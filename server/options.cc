#include "server/options.h"

#include <boost/program_options.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "protocol/numbers.h"
#include "server/parameters.h"

namespace understudy::server {

namespace {

namespace program_options = boost::program_options;
constexpr int kMaxIncludeDepth = 16;
constexpr size_t kMaxConfigFileBytes = 16u << 20;

// --- configuration files -------------------------------------------------------------------------

bool ReadConfigFile(const std::string& path, int depth, Options* options, std::string* error);

bool ApplyConfigLine(const std::vector<std::string>& words, int depth, Options* options,
                     std::string* why) {
  if (protocol::EqualsIgnoreCase(words[0], "include")) {
    if (words.size() == 2) return ReadConfigFile(words[1], depth + 1, options, why);
    *why = "include: wrong number of arguments";
    return false;
  }
  const Parameter* row = FindParameter(words[0]);
  if (row == nullptr) {
    *why = "Unknown option '" + words[0] + "'";
    return false;
  }
  std::span<const std::string> values(words.begin() + 1, words.end());
  if (values.empty()) {
    *why = words[0] + ": wrong number of arguments";
    return false;
  }
  std::string reason;
  if (SetParameter(*row, values, options, &reason)) return true;
  *why = words[0] + ": " + reason;
  return false;
}

bool ReadConfigFile(const std::string& path, int depth, Options* options, std::string* error) {
  if (depth > kMaxIncludeDepth) {
    *error = "Configuration files include each other too deeply: " + path;
    return false;
  }
  std::error_code code;
  uintmax_t size = std::filesystem::file_size(path, code);
  std::ifstream file(path);
  if (code || !file) {
    *error = "Can't open the configuration file " + path +
             (code ? ": " + code.message() : std::string());
    return false;
  }
  if (size > kMaxConfigFileBytes) {
    *error = "The configuration file " + path + " is too big";
    return false;
  }
  std::string line;
  for (int number = 1; std::getline(file, line); number++) {
    std::vector<std::string> words;
    std::string why;
    bool good = SplitConfigLine(line, &words);
    if (!good) why = "Unbalanced quotes in configuration line";
    if (words.empty() && good) continue;
    if (good && words[0].starts_with('#')) continue;
    if (good) good = ApplyConfigLine(words, depth, options, &why);
    if (good) continue;
    *error = path + ":" + std::to_string(number) + ": " + why;
    return false;
  }
  return true;
}

// --- command line --------------------------------------------------------------------------------

std::string DefaultForHelp(const Parameter& row, const Options& defaults) {
  if (row.name == "client-output-buffer-limit") return "no limits";
  std::string value = FormatParameter(row, defaults);
  auto bytes = protocol::ParseInteger(value);
  if (row.unit != Parameter::Unit::kMemory || !bytes || *bytes == 0) return value;
  if (*bytes % (1 << 20) == 0) return std::to_string(*bytes >> 20) + "mb";
  return value;
}

// All options but --help, --version; one group a heading. `hidden`: those that decide nothing
// here instead.
std::vector<program_options::options_description> DescribeParameters(bool hidden) {
  std::vector<program_options::options_description> groups;
  std::string_view heading = "-";
  Options defaults;
  for (const Parameter& row : Parameters()) {
    if ((row.fixed() || row.kept()) != hidden) continue;
    if (groups.empty() || row.group != heading) {
      heading = row.group;
      groups.emplace_back(std::string(heading), 100, 60);
    }
    std::string help(row.help);
    std::string value = DefaultForHelp(row, defaults);
    if (!value.empty()) help += " [" + value + "]";
    if (row.TakesSeveralWords()) {
      auto* type = program_options::value<std::vector<std::string>>()->multitoken();
      groups.back().add_options()(std::string(row.name).c_str(),
                                  type->value_name(std::string(row.value_name)), help.c_str());
    } else {
      auto* type = program_options::value<std::string>();
      groups.back().add_options()(std::string(row.name).c_str(),
                                  type->value_name(std::string(row.value_name)), help.c_str());
    }
  }
  return groups;
}

program_options::options_description DescribeGeneral() {
  program_options::options_description general("Information", 100, 60);
  general.add_options()("help", "print this and exit")("version", "print the version and exit")(
      "inspect-log", program_options::value<std::string>()->value_name("<directory>"),
      "print what is in the log of a data directory and exit");
  return general;
}

using ParsedWords = std::vector<program_options::option>;

bool ParseWordsOfCommandLine(const std::vector<std::string>& arguments, ParsedWords* parsed,
                             std::string* error) {
  using Style = program_options::command_line_style::style_t;
  program_options::options_description all;
  for (bool hidden : {false, true}) {
    for (const auto& group : DescribeParameters(hidden)) all.add(group);
  }
  all.add(DescribeGeneral());
  all.add_options()("print-commands", "")("config-file",
                                          program_options::value<std::vector<std::string>>());
  program_options::positional_options_description positional;
  positional.add("config-file", -1);
  try {
    // No short options: a value may begin with '-' ("--bind 127.0.0.1 -::1").
    *parsed = program_options::command_line_parser(arguments)
                  .options(all)
                  .positional(positional)
                  .style(Style::allow_long | Style::long_allow_adjacent | Style::long_allow_next |
                         Style::long_case_insensitive)
                  .run()
                  .options;
    return true;
  } catch (const program_options::unknown_option& problem) {
    *error = "Unknown option '" + problem.get_option_name() + "'";
  } catch (const program_options::error& problem) {
    *error = problem.what();
  }
  return false;
}

bool NameConfigFile(const std::vector<std::string>& words, CommandLine* out, std::string* error) {
  for (const std::string& word : words) {
    if (word.starts_with('-')) {
      *error = "Unknown option '" + word + "'";
    } else if (word.empty()) {
      *error = "The configuration file's name is empty";
    } else if (!out->config_file.empty()) {
      *error = "More than one configuration file is named";
    } else {
      out->config_file = word;
      continue;
    }
    return false;
  }
  return true;
}

// Lists given in several places replace each other; within one option they are one list.
bool ApplyWords(const ParsedWords& parsed, Options* options, std::string* error) {
  for (const program_options::option& option : parsed) {
    const Parameter* row = FindParameter(option.string_key);
    if (row == nullptr) continue;
    std::string why;
    if (SetParameter(*row, option.value, options, &why)) continue;
    *error = "Bad option '--" + std::string(row->name) + "': " + why;
    return false;
  }
  return true;
}

std::string AbsoluteTo(const std::filesystem::path& base, const std::string& path) {
  std::filesystem::path whole = (base / path).lexically_normal();
  if (!whole.has_filename() && whole.has_relative_path()) whole = whole.parent_path();
  return whole.string();
}

bool Complete(CommandLine* out, std::string* error) {
  std::error_code code;
  std::filesystem::path here = std::filesystem::current_path(code);
  if (code) {
    *error = "Can't tell the current directory: " + code.message();
    return false;
  }
  Options& options = out->options;
  options.dir = AbsoluteTo(here, options.dir);
  if (!options.logfile.empty()) options.logfile = AbsoluteTo(options.dir, options.logfile);
  if (!options.pidfile.empty()) options.pidfile = AbsoluteTo(options.dir, options.pidfile);
  if (!out->config_file.empty()) out->config_file = AbsoluteTo(here, out->config_file);
  if (options.name.empty() && options.port != 0)
    options.name = "node-" + std::to_string(options.port);
  return true;
}

}  // namespace

bool ParseCommandLine(const std::vector<std::string>& arguments, CommandLine* out,
                      std::string* error) {
  *out = CommandLine();
  if (arguments.size() == 1 && (arguments[0] == "-h" || arguments[0] == "-v")) {
    out->action = arguments[0] == "-h" ? CommandLine::Action::kHelp : CommandLine::Action::kVersion;
    return true;
  }
  ParsedWords parsed;
  if (!ParseWordsOfCommandLine(arguments, &parsed, error)) return false;
  for (const program_options::option& option : parsed) {
    const std::string key = protocol::ToLower(option.string_key);
    if (key == "help") out->action = CommandLine::Action::kHelp;
    if (key == "version") out->action = CommandLine::Action::kVersion;
    if (key == "print-commands") out->action = CommandLine::Action::kPrintCommands;
    if (key == "inspect-log") {
      out->action = CommandLine::Action::kInspectLog;
      out->inspect_dir = option.value.at(0);
    }
    if (key == "config-file" && !NameConfigFile(option.value, out, error)) return false;
  }
  if (out->action != CommandLine::Action::kRun) return true;
  if (!out->config_file.empty() && !ReadConfigFile(out->config_file, 0, &out->options, error)) {
    return false;
  }
  return ApplyWords(parsed, &out->options, error) && Complete(out, error);
}

std::string HelpText() {
  std::ostringstream out;
  out << VersionText() << "\n\n"
      << "Usage: understudy-server [config-file] [--option value ...]\n\n"
      << "  understudy-server --port 7001 --name node1 --dir data/node1\n"
      << "  understudy-server --port 7002 --name node2 --dir data/node2 --join 127.0.0.1:7001\n"
      << "  understudy-server node.conf --loglevel verbose\n\n"
      << "A configuration file has lines of the form: name value. Sizes: 1k is 1000 and 1kb is "
         "1024\n"
      << "bytes, and so m, mb, g, gb. In [brackets]: the default.\n";
  for (const auto& group : DescribeParameters(false)) out << "\n" << group;
  out << "\n" << DescribeGeneral();
  return out.str();
}

std::string VersionText() {
  std::string out = "Understudy v=" UNDERSTUDY_VERSION;
#ifdef UNDERSTUDY_JEMALLOC
  out += " malloc=jemalloc";
#else
  out += " malloc=libc";
#endif
  return out + " bits=" + std::to_string(8 * sizeof(void*));
}

// --- words and quotes ----------------------------------------------------------------------------

namespace {

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0'; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char Unescape(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

// Takes a quoted piece, the opening quote included, from the front of `line`.
bool TakeQuoted(std::string_view* line, std::string* word) {
  const char quote = line->front();
  for (size_t i = 1; i < line->size(); i++) {
    char c = (*line)[i];
    if (c == quote) {
      line->remove_prefix(i + 1);
      return line->empty() || IsSpace(line->front());
    }
    if (c == '\\' && i + 1 < line->size()) {
      char next = (*line)[i + 1];
      if (quote == '\'') {
        if (next == '\'') c = (*line)[++i];
      } else if (next == 'x' && i + 3 < line->size() && HexDigit((*line)[i + 2]) >= 0 &&
                 HexDigit((*line)[i + 3]) >= 0) {
        c = static_cast<char>(HexDigit((*line)[i + 2]) * 16 + HexDigit((*line)[i + 3]));
        i += 3;
      } else {
        c = Unescape(next);
        i++;
      }
    }
    *word += c;
  }
  return false;
}

}  // namespace

bool SplitConfigLine(std::string_view line, std::vector<std::string>* words) {
  words->clear();
  for (;;) {
    while (!line.empty() && IsSpace(line.front())) line.remove_prefix(1);
    if (line.empty()) return true;
    if (words->empty() && line.front() == '#') {
      words->emplace_back("#");
      return true;
    }
    std::string word;
    while (!line.empty() && !IsSpace(line.front())) {
      if (line.front() == '"' || line.front() == '\'') {
        if (!TakeQuoted(&line, &word)) return false;
      } else {
        word += line.front();
        line.remove_prefix(1);
      }
    }
    words->push_back(std::move(word));
  }
}

std::string QuoteConfigWord(std::string_view word) {
  static constexpr char kHexDigits[] = "0123456789abcdef";
  auto plain = [](char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '\'' && c != '\\'; };
  bool needed = word.empty() || word.front() == '#';
  for (char c : word) needed = needed || !plain(c);
  if (!needed) return std::string(word);
  std::string out = "\"";
  for (char c : word) {
    if (plain(c) || c == ' ' || c == '\'') {
      out += c;
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else {
      unsigned char byte = static_cast<unsigned char>(c);
      out += "\\x";
      out += kHexDigits[byte >> 4];
      out += kHexDigits[byte & 15];
    }
  }
  return out + '"';
}

}  // namespace understudy::server
