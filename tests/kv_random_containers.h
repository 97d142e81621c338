// Random commands on lists, hashes, sets and sorted sets, for comparisons of members with each
// other and with a real server.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

namespace understudy::targets::kv {

class RandomContainers {
 public:
  using Args = std::vector<std::string>;

  explicit RandomContainers(std::mt19937_64* random) : random_(*random) {}

  // Leaves out commands whose effect is chosen at random, so that two servers stay equal.
  void set_predictable(bool predictable) { predictable_ = predictable; }

  Args Next() {
    switch (Below(4)) {
      case 0:
        return List();
      case 1:
        return Hash();
      case 2:
        return Set();
      default:
        return SortedSet();
    }
  }
  // Of a container; mostly of that kind: l, h, s, z.
  std::string Key(char kind) {
    if (Below(12) == 0) kind = "lhszk"[Below(5)];
    return std::string(1, kind) + std::to_string(Below(4));
  }
  std::string AnyKey() { return Key("lhsz"[Below(4)]); }

  // A list, hash, set or sorted set of a random size, often beyond a limit of forms.
  Args Big() {
    const char kind = "lhsz"[Below(4)];
    Args args = {kind == 'l'   ? "RPUSH"
                 : kind == 'h' ? "HSET"
                 : kind == 's' ? "SADD"
                               : "ZADD",
                 Key(kind)};
    const uint64_t count = 1 + Below(Below(3) == 0 ? 600 : 140);
    for (uint64_t i = 0; i < count; ++i) {
      if (kind == 'z') args.push_back(Score());
      args.push_back(kind == 's' && Below(2) == 0 ? std::to_string(i)
                                                  : "big" + std::to_string(Below(1000)));
      if (kind == 'h') args.push_back(Member());
    }
    return args;
  }

 private:
  uint64_t Below(uint64_t limit) { return random_() % limit; }
  std::string Pick(std::initializer_list<const char*> words) {
    return *(words.begin() + Below(words.size()));
  }
  std::string Member() {
    switch (Below(12)) {
      case 0:
        return std::to_string(static_cast<int64_t>(random_()) >> Below(64));
      case 1:
        return std::string(Below(150), 'm');
      case 2:
        return Pick({"", "-0", "007", "1.5", "inf", "a b", "\x01\xff"});
      case 3:
        return Below(20) == 0 ? std::string(Below(20'000), 'M') : "x";
      case 4:
      case 5:
        return std::to_string(Below(30));
      default:
        return "m" + std::to_string(Below(30));
    }
  }
  std::string Score() {
    switch (Below(10)) {
      case 0:
        return Pick({"inf", "-inf", "1e10", "-0.5", "0", "9007199254740993", "3.25"});
      case 1:
        return Below(6) == 0 ? Pick({"nan", "x", "", "1e400", "(1"}) : "2";
      case 2:
        return std::to_string(static_cast<double>(Below(100)) / 8);
      default:
        return std::to_string(static_cast<int64_t>(Below(12)) - 3);
    }
  }
  std::string Index() {
    if (Below(20) == 0)
      return Pick({"x", "", "9223372036854775807", "-9223372036854775808", "1.0"});
    return std::to_string(static_cast<int64_t>(Below(16)) - 6);
  }
  std::string Count() {
    if (Below(20) == 0) return Pick({"-1", "x", "0", "9223372036854775807"});
    return std::to_string(1 + Below(4));
  }
  std::string ScoreBound() {
    if (Below(20) == 0) return Pick({"x", "", "(", "nan", " 1"});
    return (Below(3) == 0 ? "(" : "") + (Below(5) == 0 ? Pick({"-inf", "+inf", "inf"}) : Score());
  }
  std::string LexBound() {
    if (Below(20) == 0) return Pick({"x", "", "a", "1"});
    return Below(4) == 0 ? Pick({"-", "+"}) : Pick({"[", "("}) + Member();
  }
  void AddMembers(Args* args) {
    for (uint64_t count = 1 + Below(3); count > 0; --count) args->push_back(Member());
  }
  void AddKeys(Args* args, char kind) {
    for (uint64_t count = 1 + Below(3); count > 0; --count) args->push_back(Key(kind));
  }
  Args WithMembers(std::string name, char kind) {
    Args args = {std::move(name), Key(kind)};
    AddMembers(&args);
    return args;
  }
  std::string End() { return Pick({"LEFT", "RIGHT", "left", "RIGHT"}); }

  Args List() {
    switch (Below(20)) {
      case 0:
      case 1:
      case 2:
        return WithMembers(Pick({"LPUSH", "RPUSH"}), 'l');
      case 3:
        return WithMembers(Pick({"LPUSHX", "RPUSHX"}), 'l');
      case 4:
      case 5:
        return {Pick({"LPOP", "RPOP"}), Key('l')};
      case 6:
        return {Pick({"LPOP", "RPOP"}), Key('l'), Count()};
      case 7:
        return {"LINDEX", Key('l'), Index()};
      case 8:
      case 9:
        return {"LSET", Key('l'), Index(), Member()};
      case 10:
      case 11:
        return {"LINSERT", Key('l'), Pick({"BEFORE", "AFTER", "at"}), Member(), Member()};
      case 12:
        return {"LRANGE", Key('l'), Index(), Index()};
      case 13:
        return {"LREM", Key('l'), Index(), Member()};
      case 14:
        return Below(4) == 0 ? Args{"LTRIM", Key('l'), Index(), Index()} : Args{"LLEN", Key('l')};
      case 15:
        return {"LPOS", Key('l'), Member(), "RANK", Index(), "COUNT", Count()};
      case 16:
      case 17:
        return {"LMOVE", Key('l'), Key('l'), End(), End()};
      case 18:
        return {"RPOPLPUSH", Key('l'), Key('l')};
      default:
        return {"LMPOP", "2", Key('l'), Key('l'), End(), "COUNT", Count()};
    }
  }

  Args Hash() {
    switch (Below(16)) {
      case 0:
      case 1:
      case 2: {
        Args args = {Pick({"HSET", "HSET", "HMSET"}), Key('h')};
        for (uint64_t count = 1 + Below(3); count > 0; --count) {
          args.push_back(Member());
          if (Below(30) != 0) args.push_back(Member());
        }
        if (args.size() < 4) args.push_back("v");
        return args;
      }
      case 3:
        return {"HSETNX", Key('h'), Member(), Member()};
      case 4:
        return {Pick({"HGET", "HEXISTS", "HSTRLEN"}), Key('h'), Member()};
      case 5:
        return WithMembers("HMGET", 'h');
      case 6:
        return {Pick({"HGETALL", "HKEYS", "HVALS"}), Key('h')};
      case 7:
      case 8:
        return WithMembers("HDEL", 'h');
      case 9:
        return {"HLEN", Key('h')};
      case 10:
      case 11:
        return {"HINCRBY", Key('h'), Member(), Index()};
      case 12:
        return {"HINCRBYFLOAT", Key('h'), Member(), Score()};
      case 13:
        return predictable_ ? Args{"HLEN", Key('h')} : Args{"HRANDFIELD", Key('h'), Index()};
      default:
        return {"HSCAN", Key('h'), "0", "COUNT", "1000"};
    }
  }

  Args Set() {
    switch (Below(18)) {
      case 0:
      case 1:
      case 2:
        return WithMembers("SADD", 's');
      case 3:
      case 4:
        return WithMembers("SREM", 's');
      case 5:
        return WithMembers("SMISMEMBER", 's');
      case 6:
        return {"SMEMBERS", Key('s')};
      case 7:
        return {"SCARD", Key('s')};
      case 8:
      case 9:
        if (predictable_) return {"SCARD", Key('s')};
        return Below(2) == 0 ? Args{"SPOP", Key('s')} : Args{"SPOP", Key('s'), Count()};
      case 10:
        return predictable_ ? Args{"SCARD", Key('s')} : Args{"SRANDMEMBER", Key('s'), Index()};
      case 11:
      case 12:
        return {"SMOVE", Key('s'), Key('s'), Member()};
      case 13:
      case 14: {
        Args args = {Pick({"SINTER", "SUNION", "SDIFF"})};
        AddKeys(&args, 's');
        return args;
      }
      case 15:
      case 16: {
        Args args = {Pick({"SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"}), Key('s')};
        AddKeys(&args, 's');
        return args;
      }
      default:
        return {"SINTERCARD", "2", Key('s'), Key('s'), "LIMIT", Count()};
    }
  }

  std::string ScoredKey() { return Key(Below(4) == 0 ? 's' : 'z'); }
  Args Combination(std::string name, bool store, bool weighs) {
    Args args = {std::move(name)};
    if (store) args.push_back(Key('z'));
    args.push_back("2");
    args.push_back(ScoredKey());
    args.push_back(ScoredKey());
    if (weighs && Below(2) == 0) args.insert(args.end(), {"WEIGHTS", Score(), Score()});
    if (weighs && Below(2) == 0) {
      args.insert(args.end(), {"AGGREGATE", Pick({"SUM", "MIN", "MAX", "avg"})});
    }
    if (!store && Below(2) == 0) args.push_back("WITHSCORES");
    return args;
  }
  void AddRange(Args* args, bool store) {
    const uint64_t by = Below(3);
    for (int i = 0; i < 2; ++i) {
      args->push_back(by == 0 ? Index() : by == 1 ? ScoreBound() : LexBound());
    }
    if (by == 1) args->push_back("BYSCORE");
    if (by == 2) args->push_back("BYLEX");
    if (Below(2) == 0) args->push_back("REV");
    if (by != 0 && Below(2) == 0) args->insert(args->end(), {"LIMIT", Index(), Index()});
    if (!store && by != 2 && Below(2) == 0) args->push_back("WITHSCORES");
  }
  Args Add() {
    Args args = {"ZADD", Key('z')};
    while (Below(3) == 0) args.push_back(Pick({"NX", "XX", "GT", "LT", "CH", "INCR", "gt"}));
    for (uint64_t count = Below(3) == 0 ? 1 + Below(3) : 1; count > 0; --count) {
      args.push_back(Score());
      args.push_back(Member());
    }
    return args;
  }

  Args SortedSet() {
    switch (Below(26)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return Add();
      case 4:
        return {"ZINCRBY", Key('z'), Score(), Member()};
      case 5:
      case 6:
        return WithMembers("ZREM", 'z');
      case 7:
        return WithMembers("ZMSCORE", 'z');
      case 8:
        return {"ZCARD", Key('z')};
      case 9:
        return {Pick({"ZRANK", "ZREVRANK"}), Key('z'), Member()};
      case 10:
      case 11:
        return {Pick({"ZPOPMIN", "ZPOPMAX"}), Key('z'), Count()};
      case 12:
        return {"ZMPOP", "2", Key('z'), Key('z'), Pick({"MIN", "MAX"}), "COUNT", Count()};
      case 13:
      case 14: {
        Args args = {"ZRANGE", Key('z')};
        AddRange(&args, false);
        return args;
      }
      case 15: {
        Args args = {"ZRANGESTORE", Key('z'), Key('z')};
        AddRange(&args, true);
        return args;
      }
      case 16:
        return {Pick({"ZRANGEBYSCORE", "ZREVRANGEBYSCORE", "ZCOUNT"}), Key('z'), ScoreBound(),
                ScoreBound()};
      case 17:
        return {Pick({"ZRANGEBYLEX", "ZREVRANGEBYLEX", "ZLEXCOUNT"}), Key('z'), LexBound(),
                LexBound()};
      case 18:
        return {"ZREMRANGEBYRANK", Key('z'), Index(), Index()};
      case 19:
        return {"ZREMRANGEBYSCORE", Key('z'), ScoreBound(), ScoreBound()};
      case 20:
        return Below(3) == 0 ? Args{"ZREMRANGEBYLEX", Key('z'), LexBound(), LexBound()}
                             : Args{"ZREVRANGE", Key('z'), Index(), Index(), "WITHSCORES"};
      case 21:
        return Combination(Pick({"ZUNION", "ZINTER"}), false, true);
      case 22:
        return Combination(Pick({"ZUNIONSTORE", "ZINTERSTORE"}), true, true);
      case 23:
        return Below(2) == 0 ? Combination("ZDIFF", false, false)
                             : Combination("ZDIFFSTORE", true, false);
      case 24:
        return {"ZINTERCARD", "2", ScoredKey(), ScoredKey(), "LIMIT", Count()};
      default:
        return predictable_ ? Args{"ZCARD", Key('z')}
                            : Args{"ZRANDMEMBER", Key('z'), Index(), "WITHSCORES"};
    }
  }

  std::mt19937_64& random_;
  bool predictable_ = false;
};

}  // namespace understudy::targets::kv
