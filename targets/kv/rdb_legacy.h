// Compact forms that Redis before 7.0 wrote into RDB files and DUMP, read into a PackedList.
//
//   ziplist := bytes:4 tail:4 count:2 entry* FF     little-endian; bytes is the whole size, tail
//   the
//                                                   last entry's offset; count FFFF: to be counted
//   entry   := back code data                       back: size of the entry before, x | FE x:4
//   code    := 00xxxxxx                             a text of so many bytes
//            | 01xxxxxx x:8                         the same, 14 bits
//            | 10------ x:32                        the same, big-endian
//            | C0 x:16 | D0 x:32 | E0 x:64 | F0 x:24 | FE x:8   a signed integer, little-endian
//            | F1 .. FD                             the integers 0 .. 12
//   zipmap  := count:1 (size field size free:1 value unused{free})* FF     size: x | FE x:4
//                                                   count FE or more: unknown
// Source: ziplist.c and zipmap.c of Redis 6.2; https://rdb.fnordig.de/file_format.html
#pragma once

#include <string_view>

#include "targets/kv/packed_list.h"

namespace understudy::targets::kv {

// Each puts the elements at the end of `list`, in order; of a map fields and values in turn. False
// if the bytes, of which nothing is taken on trust, aren't such a form: the list then holds a part.
bool ReadZipList(std::string_view bytes, PackedList* list);
bool ReadZipMap(std::string_view bytes, PackedList* list);

}  // namespace understudy::targets::kv
