// The values of keys in RDB files and in DUMP, by their type byte: all that Redis 2.0 to 7.2 wrote,
// but for 6 and 7, values of modules.
//
//   0   string
//   1   list      length string*
//   2   set       length string*
//   3   zset      length (string score)*     score: FD (not a number) | FE (+inf) | FF (-inf)
//                                                   | size:1 digits
//   4   hash      length (string string)*
//   5   zset      length (string score:8)*   little-endian double, read in any order
//   9   hash      string                     a zipmap (rdb_legacy.h, as 10, 12, 13); only read
//   10  list      string                     a ziplist; only read, as 12 to 14
//   11  set       string                     an intset (int_set.h)
//   12  zset      string                     a ziplist: members and scores in turn
//   13  hash      string                     a ziplist: fields and values in turn
//   14  list      length string*             ziplists
//   16  hash      string                     a listpack (packed_list.h): fields and values in turn
//   17  zset      string                     a listpack: members and scores in turn, in order
//   18  list      length (kind string)*      kind: length, 1: the string is an element;
//                                            2: it is a listpack of elements
//   20  set       string                     a listpack
//   15, 19, 21    stream                     see rdb_streams.h
//
// Values are read into the form that suits them, with nothing taken on trust: what isn't well
// formed, in order or without repetition is refused. So is an empty container, but for a stream.
// Source: rdb.h and rdb.c of Redis 7.2.
#pragma once

#include <cstdint>

#include "targets/kv/container.h"
#include "targets/kv/entry.h"
#include "targets/kv/rdb.h"

namespace understudy::targets::kv {

// The type byte of an entry's value, and the value behind it (and the key, in a file).
uint8_t RdbTypeOf(const Entry& entry);
void WriteRdbValue(RdbWriter* out, const Entry& entry);

// Whether values of this type byte can be read; a string's are read by RdbReader::String().
bool IsRdbContainerType(uint8_t rdb_type);
// Reads a value of such a type. If that fails, as in.failed() says then, there is no object.
void ReadRdbContainer(RdbReader* in, uint8_t rdb_type, const Forms& forms, Type* type,
                      Object* object);

}  // namespace understudy::targets::kv
