/* json.view: which columns of a row are shown, and how; compiled once, so that all text but the values is
 * ready. */
#include "bind/json_view.h"

#include <stdlib.h>
#include <string.h>

#include "bind/support.h"

#define VIEW_NAME "lexicraft.json.view"
#define NESTED_MAX 8 /* objects inside one another */

/* User values of a view: the names of its parts, as Lua's strings. Of what view:of makes: both. */
enum { NAMES = 1 };
enum { VIEW = 1, VALUES };

/* Registry key of the metatable of the latter. */
static const char shown_mark;

/* A member of one object while it is compiled. */
struct member {
    const char *name;
    size_t len;
    int value; /* stack index: name of a column, or table */
};

static int view_gc(lua_State *L)
{
    struct json_view *view = lua_touserdata(L, 1);
    free(view->parts);
    free(view->columns);
    view->parts = NULL;
    view->columns = NULL;
    buf_release(&view->text);
    buf_release(&view->names);
    buf_release(&view->planned);
    return 0;
}

static int compare_members(const void *a, const void *b)
{
    const struct member *left = a, *right = b;
    return strcmp(left->name, right->name);
}

static void add_part(lua_State *L, struct json_view *view, int value)
{
    size_t len;
    const char *name = lua_tolstring(L, value, &len);
    view->parts = x_realloc(view->parts, (view->count + 1) * sizeof(*view->parts));
    view->parts[view->count++] = (struct json_view_part){.at = view->text.len, .name = view->names.len};
    buf_append(&view->names, name, len + 1);
    buf_append_str(&view->text, "null");
}

/* Push a userdata with the members of the object at index, in the order in which they are written; their
 * values stay on the stack. */
static const struct member *push_members(lua_State *L, int index, size_t *count)
{
    *count = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
        ++*count;
    struct member *members = lua_newuserdatauv(L, (*count + 1) * sizeof(*members), 0);
    luaL_checkstack(L, 2 * (int)*count + 8, "too many members"); /* a name and a value of each */
    size_t i = 0;
    for (lua_pushnil(L); lua_next(L, index); i++) {
        bool is_named = lua_type(L, -2) == LUA_TSTRING; /* else it is in the list, named as its column */
        bool is_column = lua_type(L, -1) == LUA_TSTRING;
        if (!is_column && !(is_named && lua_istable(L, -1)))
            luaL_argerror(L, 1, "names of columns expected, and objects by name");
        members[i].name = lua_tolstring(L, is_named ? -2 : -1, &members[i].len); /* kept by the table */
        members[i].value = lua_gettop(L);
        lua_pushvalue(L, -2);
    }
    qsort(members, *count, sizeof(*members), compare_members);
    return members;
}

static void compile(lua_State *L, struct json_view *view, int index, int depth)
{
    if (depth == 0)
        luaL_argerror(L, 1, "too many objects inside one another");
    int top = lua_gettop(L);
    size_t count;
    const struct member *members = push_members(L, index, &count);
    buf_append_char(&view->text, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_append_char(&view->text, ',');
        json_write_string(&view->text, members[i].name, members[i].len);
        buf_append_char(&view->text, ':');
        if (lua_istable(L, members[i].value))
            compile(L, view, members[i].value, depth - 1);
        else
            add_part(L, view, members[i].value);
    }
    buf_append_char(&view->text, '}');
    lua_settop(L, top);
}

int json_view_make(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    struct json_view *view = lua_newuserdatauv(L, sizeof(*view), 1);
    *view = (struct json_view){0};
    luaL_setmetatable(L, VIEW_NAME);
    compile(L, view, 1, NESTED_MAX);
    view->columns = x_calloc(view->count + 1, sizeof(*view->columns));
    lua_settop(L, 2);
    lua_createtable(L, (int)view->count, 0);
    for (size_t i = 0; i < view->count; i++) {
        lua_pushstring(L, view->names.data + view->parts[i].name);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setiuservalue(L, 2, NAMES);
    return 1;
}

/* view:of(values) */
static int view_of(lua_State *L)
{
    json_view_check(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    lua_newuserdatauv(L, 0, 2);
    lua_insert(L, 1);
    lua_setiuservalue(L, 1, VALUES);
    lua_setiuservalue(L, 1, VIEW);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &shown_mark);
    lua_setmetatable(L, 1);
    return 1;
}

const struct json_view *json_view_shown(lua_State *L, int index)
{
    if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index))
        return NULL;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &shown_mark);
    bool is_shown = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    if (!is_shown)
        return NULL;
    lua_getiuservalue(L, index, VALUES);
    lua_getiuservalue(L, index, VIEW);
    const struct json_view *view = lua_touserdata(L, -1);
    lua_getiuservalue(L, -1, NAMES);
    lua_replace(L, -2);
    return view;
}

void json_view_open(lua_State *L)
{
    static const luaL_Reg meta[] = {{"__gc", view_gc}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"of", view_of}, {NULL, NULL}};
    support_metatable(L, VIEW_NAME, meta, methods);
    lua_createtable(L, 0, 2);
    lua_pushliteral(L, "json.shown");
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &shown_mark);
}

struct json_view *json_view_check(lua_State *L, int index)
{
    struct json_view *view = luaL_checkudata(L, index, VIEW_NAME);
    luaL_argcheck(L, view->text.data != NULL, index, "the view has been collected");
    return view;
}
