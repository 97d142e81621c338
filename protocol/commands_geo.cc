// Commands on geospatial indexes, which are sorted sets.
#include "protocol/command_rows.h"

namespace understudy::protocol::rows {
namespace {

constexpr Argument kGeoaddConditionParts[] = {Token("nx", "NX"), Token("xx", "XX")};
constexpr Argument kGeoaddDataParts[] = {Double("longitude"), Double("latitude"), String("member")};
constexpr Argument kGeoaddArguments[] = {
    Key("key"), Optional(Since("6.2.0", OneOf("condition", kGeoaddConditionParts))),
    Optional(Since("6.2.0", Token("change", "CH"))), Multiple(Block("data", kGeoaddDataParts))};
constexpr Argument kGeodistUnitParts[] = {Token("m", "m"), Token("km", "km"), Token("ft", "ft"),
                                          Token("mi", "mi")};
constexpr Argument kGeodistArguments[] = {Key("key"), String("member1"), String("member2"),
                                          Optional(OneOf("unit", kGeodistUnitParts))};
constexpr Argument kGeohashArguments[] = {Key("key"), Optional(Multiple(String("member")))};
constexpr Argument kGeosearchFromlonlatParts[] = {Double("longitude"), Double("latitude")};
constexpr Argument kGeosearchFromParts[] = {
    String("member", "FROMMEMBER"), Block("fromlonlat", kGeosearchFromlonlatParts, "FROMLONLAT")};
constexpr Argument kGeosearchCircleParts[] = {Double("radius", "BYRADIUS"),
                                              OneOf("unit", kGeodistUnitParts)};
constexpr Argument kGeosearchBoxParts[] = {Double("width", "BYBOX"), Double("height"),
                                           OneOf("unit", kGeodistUnitParts)};
constexpr Argument kGeosearchByParts[] = {Block("circle", kGeosearchCircleParts),
                                          Block("box", kGeosearchBoxParts)};
constexpr Argument kGeosearchOrderParts[] = {Token("asc", "ASC"), Token("desc", "DESC")};
constexpr Argument kGeosearchCountBlockParts[] = {Integer("count", "COUNT"),
                                                  Optional(Token("any", "ANY"))};
constexpr Argument kGeosearchArguments[] = {
    Key("key"),
    OneOf("from", kGeosearchFromParts),
    OneOf("by", kGeosearchByParts),
    Optional(OneOf("order", kGeosearchOrderParts)),
    Optional(Block("count-block", kGeosearchCountBlockParts)),
    Optional(Token("withcoord", "WITHCOORD")),
    Optional(Token("withdist", "WITHDIST")),
    Optional(Token("withhash", "WITHHASH"))};
constexpr KeySpec kGeosearchstoreKeys[] = {OneKey(kKeyOW | kKeyUpdate),
                                           OneKey(kKeyRO | kKeyAccess, 2)};
constexpr Argument kGeosearchstoreArguments[] = {
    Key("destination"),
    Key("source", 1),
    OneOf("from", kGeosearchFromParts),
    OneOf("by", kGeosearchByParts),
    Optional(OneOf("order", kGeosearchOrderParts)),
    Optional(Block("count-block", kGeosearchCountBlockParts)),
    Optional(Token("storedist", "STOREDIST"))};
constexpr KeySpec kGeoradiusKeys[] = {
    OneKey(kKeyRO | kKeyAccess),
    {kKeyOW | kKeyUpdate, KeySpec::Begin::kKeyword, 6, "STORE", KeySpec::Find::kRange, 0, 1, 0},
    {kKeyOW | kKeyUpdate, KeySpec::Begin::kKeyword, 6, "STOREDIST", KeySpec::Find::kRange, 0, 1,
     0}};
constexpr Argument kGeoradiusCountBlockParts[] = {Integer("count", "COUNT"),
                                                  Optional(Since("6.2.0", Token("any", "ANY")))};
constexpr Argument kGeoradiusStoreParts[] = {
    ShownAs("key", WithToken("STORE", Key("storekey", 1))),
    ShownAs("key", WithToken("STOREDIST", Key("storedistkey", 2)))};
constexpr Argument kGeoradiusArguments[] = {
    Key("key"),
    Double("longitude"),
    Double("latitude"),
    Double("radius"),
    OneOf("unit", kGeodistUnitParts),
    Optional(Token("withcoord", "WITHCOORD")),
    Optional(Token("withdist", "WITHDIST")),
    Optional(Token("withhash", "WITHHASH")),
    Optional(Block("count-block", kGeoradiusCountBlockParts)),
    Optional(OneOf("order", kGeosearchOrderParts)),
    Optional(OneOf("store", kGeoradiusStoreParts))};
constexpr Argument kGeoradiusRoArguments[] = {
    Key("key"),
    Double("longitude"),
    Double("latitude"),
    Double("radius"),
    OneOf("unit", kGeodistUnitParts),
    Optional(Token("withcoord", "WITHCOORD")),
    Optional(Token("withdist", "WITHDIST")),
    Optional(Token("withhash", "WITHHASH")),
    Optional(Block("count-block", kGeoradiusCountBlockParts)),
    Optional(OneOf("order", kGeosearchOrderParts))};
constexpr KeySpec kGeoradiusbymemberKeys[] = {
    OneKey(kKeyRO | kKeyAccess),
    {kKeyOW | kKeyUpdate, KeySpec::Begin::kKeyword, 5, "STORE", KeySpec::Find::kRange, 0, 1, 0},
    {kKeyOW | kKeyUpdate, KeySpec::Begin::kKeyword, 5, "STOREDIST", KeySpec::Find::kRange, 0, 1,
     0}};
constexpr Argument kGeoradiusbymemberArguments[] = {
    Key("key"),
    String("member"),
    Double("radius"),
    OneOf("unit", kGeodistUnitParts),
    Optional(Token("withcoord", "WITHCOORD")),
    Optional(Token("withdist", "WITHDIST")),
    Optional(Token("withhash", "WITHHASH")),
    Optional(Block("count-block", kGeosearchCountBlockParts)),
    Optional(OneOf("order", kGeosearchOrderParts)),
    Optional(OneOf("store", kGeoradiusStoreParts))};
constexpr Argument kGeoradiusbymemberRoArguments[] = {
    Key("key"),
    String("member"),
    Double("radius"),
    OneOf("unit", kGeodistUnitParts),
    Optional(Token("withcoord", "WITHCOORD")),
    Optional(Token("withdist", "WITHDIST")),
    Optional(Token("withhash", "WITHHASH")),
    Optional(Block("count-block", kGeosearchCountBlockParts)),
    Optional(OneOf("order", kGeosearchOrderParts))};

constexpr CommandRow kRows[] = {
    {"geoadd", -5, kWrite | kDenyOom, kCatGeo, Owner::kKv, Group::kGeo, "3.2.0",
     "Adds members with their positions to a geospatial index, or gives them other positions.",
     "O(log(N)) for each member", kUpdateKey, kGeoaddArguments},
    {"geodist", -4, kReadonly, kCatGeo, Owner::kKv, Group::kGeo, "3.2.0",
     "Returns the distance between two members of a geospatial index.", "O(1)", kReadKey,
     kGeodistArguments},
    {"geohash", -2, kReadonly, kCatGeo, Owner::kKv, Group::kGeo, "3.2.0",
     "Returns the positions of members as geohash texts.", "O(1) for each member", kReadKey,
     kGeohashArguments},
    {"geopos", -2, kReadonly, kCatGeo, Owner::kKv, Group::kGeo, "3.2.0",
     "Returns the longitudes and latitudes of members.", "O(1) for each member", kReadKey,
     kGeohashArguments},
    {"geosearch", -7, kReadonly, kCatGeo, Owner::kKv, Group::kGeo, "6.2.0",
     "Finds the members within a circle or a rectangle.",
     "O(N+log(M)): N members in the squares around the shape, M in it", kReadKey,
     kGeosearchArguments},
    {"geosearchstore", -8, kWrite | kDenyOom, kCatGeo, Owner::kKv, Group::kGeo, "6.2.0",
     "Finds the members within a circle or a rectangle and stores them.",
     "O(N+log(M)): N members in the squares around the shape, M in it", kGeosearchstoreKeys,
     kGeosearchstoreArguments},
    Deprecated(
        "6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument",
        {"georadius", -6, kWrite | kDenyOom | kMovableKeys, kCatGeo, Owner::kKv, Group::kGeo,
         "3.2.0", "Finds the members within a distance of a position, and stores them if so asked.",
         "O(N+log(M)): N members in the squares around the shape, M in it", kGeoradiusKeys,
         kGeoradiusArguments}),
    Deprecated("6.2.0", "`GEOSEARCH` with the `BYRADIUS` argument",
               {"georadius_ro", -6, kReadonly, kCatGeo, Owner::kKv, Group::kGeo, "3.2.10",
                "Finds the members within a distance of a position.",
                "O(N+log(M)): N members in the squares around the shape, M in it", kReadKey,
                kGeoradiusRoArguments}),
    Deprecated("6.2.0",
               "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
               {"georadiusbymember", -5, kWrite | kDenyOom | kMovableKeys, kCatGeo, Owner::kKv,
                Group::kGeo, "3.2.0",
                "Finds the members within a distance of a member, and stores them if so asked.",
                "O(N+log(M)): N members in the squares around the shape, M in it",
                kGeoradiusbymemberKeys, kGeoradiusbymemberArguments}),
    Deprecated("6.2.0", "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments",
               {"georadiusbymember_ro", -5, kReadonly, kCatGeo, Owner::kKv, Group::kGeo, "3.2.10",
                "Finds the members within a distance of a member.",
                "O(N+log(M)): N members in the squares around the shape, M in it", kReadKey,
                kGeoradiusbymemberRoArguments}),
};

}  // namespace

std::span<const CommandRow> GeoCommands() { return kRows; }

}  // namespace understudy::protocol::rows
