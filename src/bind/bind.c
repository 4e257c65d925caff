/* The context of a VM, and making every module known to it. */
#include "bind/bind.h"

#include <sodium.h>
#include <stdlib.h>

static const struct {
    const char *name;
    lua_CFunction open;
} modules[] = {
    {"json", bind_open_json}, {"log", bind_open_log},     {"clock", bind_open_clock},
    {"rate", bind_open_rate}, {"rules", bind_open_rules}, {"auth", bind_open_auth},
    {"http", bind_open_http}, {"db", bind_open_db},
};

void bind_context_release(struct bind_context *c)
{
    for (size_t i = 0; i < c->statement_count; i++) {
        free(c->statements[i]->text);
        free(c->statements[i]->source);
        free(c->statements[i]);
    }
    free(c->statements);
    c->statements = NULL;
    c->statement_count = 0;
    sodium_memzero(&c->keys, sizeof(c->keys));
}

/* Protected: require finds the modules in package.loaded. */
static int open_modules(lua_State *L)
{
    for (size_t i = 0; i < COUNT_OF(modules); i++) {
        luaL_requiref(L, modules[i].name, modules[i].open, 0);
        lua_pop(L, 1);
    }
    return 0;
}

int bind_open(struct vm *vm, struct err *err)
{
    if (sodium_init() < 0)
        return err_set(err, ERR_INTERNAL, "libsodium does not start");
    lua_pushcfunction(vm->L, open_modules);
    return vm_call(vm, 0, 0, err);
}
