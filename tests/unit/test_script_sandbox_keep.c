/* script/sandbox_keep.c: no call sees anything of another one, whether rule files are kept or run anew. */
#include "script_fixture.h"

#include "script/sandbox_private.h"

/* A rule file r, its function f(input) of v, and a file q beside it, whose f does the same if nothing is
 * said. */
struct trial {
    const char *name;
    const char *head;   /* before r.f; r is its module */
    const char *body;   /* of r.f */
    const char *beside; /* the text of q before its f, or NULL */
    bool kept;          /* after all calls */
};

static const struct trial clean[] = {
    {"reads what it keeps", "r.list = {3, 1, 2} r.named = {a = 1, b = {c = 2}}",
     "local sum = 0 for _, x in ipairs(r.list) do sum = sum + x end "
     "for k, x in pairs(r.named) do sum = sum + (k == 'a' and x or x.c) end "
     "return {v = sum + #r.list + select('#', table.unpack(r.list)) + #table.concat(r.list, ',')}",
     NULL, true},
    {"next and pairs show keys in order", "local t = {b = 1, a = 2, [1] = 3}",
     "local text = next(t) .. next(t, 1) for k, x in pairs(t) do text = text .. k .. x end return {v = text}",
     NULL, true},
    {"pairs gives the table itself", "local t = {1}",
     "local _, same = pairs(t) return {v = same == t and 1 or 0}", NULL, true},
    {"a list with holes is as long as it was",
     "local t = {1, nil, 3, nil} t[6] = 6 t.x = 1 r.u = {nil, nil, 3}", "return {v = #t * 10 + #r.u}", NULL,
     true},
    {"a list with holes and names is as long as it was",
     "local t = {n = 3, 10, nil, 30} r.u = {n = 1, nil, nil, 3} r.w = {nil, 2, x = 1} r.y = {1, 2, nil, 4, a "
     "= 1, b = 2}",
     "local text = #t .. #r.u .. #r.w .. #r.y for i, x in ipairs(t) do text = text .. ';' .. i .. x end "
     "text = text .. select('#', table.unpack(t)) .. select('#', table.unpack(r.w)) "
     "for k, x in pairs(t) do text = text .. ' ' .. k .. x end return {v = text .. next(r.w)}",
     NULL, true},
    {"a list that was longer once",
     "local t = {} for i = 1, 9 do t[i] = i end for i = 1, 9 do if i % 3 > 0 then t[i] = nil end end t.x = 1 "
     "local u = {1, 2, 3, 4, 5, 6, 7, 8} u[4] = nil u[8] = nil local w = {} w[4] = 4 w[2] = 2 w[1] = 1",
     "return {v = #t .. ' ' .. #u .. ' ' .. #w}", NULL, true},
    {"other identities", "local a, b = {}, {} r.a = a r[a] = b",
     "return {v = r.a == a and r[a] == b and a ~= b}", NULL, true},
    {"a copy may be changed", "r.list = {3, 1, 2}",
     "local copy = {} for i, x in ipairs(r.list) do copy[i] = x end table.sort(copy) table.insert(copy, 1, "
     "9) "
     "copy.more = {} copy.more.x = table.remove(copy) return {v = table.concat(copy, ',') .. copy.more.x}",
     NULL, true},
    {"variables of a call", "",
     "local n = 0 local function add() n = n + 1 return n end return {v = add() + add()}", NULL, true},
    {"kept closures that change nothing",
     "local function adder(n) return function(x) return x + n end end "
     "local three = adder(3)",
     "return {v = three(1)}", NULL, true},
    {"globals of the file", "limit = 7 function twice(x) return 2 * x end", "return {v = twice(limit)}", NULL,
     true},
    {"globals in pairs", "b = 1 a = 2",
     "local t = '' for k in pairs(_ENV) do t = t .. k end return {v = t .. #_ENV}", NULL, true},
    {"an environment is no list", "x = 1",
     "local _, a = pcall(table.insert, _ENV, 1) local _, b = pcall(table.concat, _ENV) "
     "local _, c = pcall(table.sort, _ENV) local _, d = pcall(table.remove, _ENV) "
     "return {v = a .. b .. c .. d .. select('#', table.unpack(_ENV)) .. #_ENV .. next(_ENV)}",
     NULL, true},
    {"a variable that stays NaN", "local n = 0 / 0", "n = n return {v = n ~= n}", NULL, true},
    {"a variable that becomes itself again", "local n = 0 / 0 local t = {}",
     "local was, list = n, t n = 1 t = n n = was t = list return {v = n ~= n and #t == 0}", NULL, true},
    {"another file", "local q = require 'q'", "return {v = q.list[1] + require 'q'.list[2]}",
     "q.list = {4, 5}", true},
    {"a file that another one needs only in a call", "", "return {v = #require 'q'.list}", "q.list = {4, 5}",
     true},
    {"recursive tables", "r.self = r r.list = {r}",
     "return {v = r.self.list[1] == r and r.self.self.list == r.list}", NULL, true},
    {"NaN and huge numbers", "local inf = math.huge r.low = -math.huge", "return {v = inf > 0 and r.low < 0}",
     NULL, true},
    {"errors say the same", "r.a = {}",
     "local _, text = pcall(function() return r.a.b.c end) "
     "local _, other = pcall(function() return r.a + 1 end) local _, third = pcall(function() r.a() end) "
     "local _, fourth = pcall(tostring, r.a) return {v = text .. other .. third .. fourth}",
     NULL, true},
};

static const struct trial dirty[] = {
    {"a field", "", "r.n = (r.n or 0) + 1 return {v = r.n}", NULL, false},
    {"a field that was there", "r.n = 0", "r.n = r.n + 1 return {v = r.n}", NULL, false},
    {"a field taken away", "r.a = {b = 1}", "local b = r.a.b r.a.b = nil return {v = b or 0}", NULL, false},
    {"a whole table taken away", "r.a = {b = 1}", "local a = r.a r.a = nil return {v = a and a.b or 0}", NULL,
     false},
    {"far inside", "local p = {{{x = 0}}}", "p[1][1].x = p[1][1].x + 1 return {v = p[1][1].x}", NULL, false},
    {"a list", "r.list = {}", "r.list[#r.list + 1] = 1 return {v = #r.list}", NULL, false},
    {"insert", "local list = {}", "table.insert(list, 1) return {v = #list}", NULL, false},
    {"insert before", "local list = {5}", "table.insert(list, 1, #list) return {v = table.concat(list)}",
     NULL, false},
    {"remove", "local list = {1, 2, 3}", "return {v = table.remove(list) or 0}", NULL, false},
    {"sort", "local list = {3, 1, 2}", "local first = list[1] table.sort(list) return {v = first}", NULL,
     false},
    {"sort by a function", "local list = {1, 2, 3}",
     "local first = list[1] table.sort(list, function(a, b) return a > b end) return {v = first}", NULL,
     false},
    {"a comparator that writes", "local seen = {}",
     "table.sort({1, 2}, function(a, b) seen[#seen + 1] = a return a < b end) return {v = #seen}", NULL,
     false},
    {"a variable", "local n = 0", "n = n + 1 return {v = n}", NULL, false},
    {"a variable that becomes a float", "local n = 1", "local was = math.type(n) n = n / 1 return {v = was}",
     NULL, false},
    {"a variable that becomes minus zero", "local n = 0.0", "local was = 1 / n n = -0.0 return {v = was > 0}",
     NULL, false},
    {"a variable that becomes NaN", "local n = 0.0", "local was = n == n n = 0.0 / 0.0 return {v = was}",
     NULL, false},
    {"a variable that becomes another NaN", "local n = math.huge - math.huge",
     "local was = tostring(n) n = -n return {v = was}", NULL, false},
    {"a variable that becomes false", "local n", "local was = n == nil n = false return {v = was}", NULL,
     false},
    {"a variable of another table", "local t = {}", "local was = t.x t = {x = 1} return {v = was or 0}", NULL,
     false},
    {"a variable of a function inside", "local n = 0",
     "local function add() n = n + 1 end add() return {v = n}", NULL, false},
    {"a counter made by a function",
     "local function counter() local n = 0 return function() n = n + 1 return n end end local count = "
     "counter()",
     "return {v = count()}", NULL, false},
    {"a counter in a table",
     "local function counter() local n = 0 return {function() n = n + 1 return n end} end r.count = {deep = "
     "counter()}",
     "return {v = r.count.deep[1]()}", NULL, false},
    {"a variable that two functions share",
     "local n = 0 local function add() n = n + 1 end "
     "r.more = {add} local function get() return n end",
     "r.more[1]() return {v = get()}", NULL, false},
    {"a global", "", "n = (n or 0) + 1 return {v = n}", NULL, false},
    {"a global that was there", "n = 0", "n = n + 1 return {v = n}", NULL, false},
    {"a library hidden by a global", "",
     "local was = type(math) == 'table' and math.max(1, 2) or 0 math = {max = function() return 7 end} "
     "return {v = was}",
     NULL, false},
    {"an environment given a name", "local e = _ENV", "e.n = (e.n or 0) + 1 return {v = n}", NULL, false},
    {"another environment", "local insert = table.insert",
     "local was = x or 0 _ENV = {x = 1, insert = insert} return {v = was}", NULL, false},
    {"a function put into another's place", "function r_g() return 1 end r.g = {call = r_g}",
     "local v = r.g.call() r.g.call = function() return 2 end return {v = v}", NULL, false},
    {"the function itself", "", "r.f = function() return {v = 2} end return {v = 1}", NULL, false},
    {"the input", "", "local was = r.last and r.last.v or 'none' r.last = input return {v = was}", NULL,
     false},
    {"a table as a key", "local k = {} local t = {[k] = {n = 0}}", "t[k].n = t[k].n + 1 return {v = t[k].n}",
     NULL, false},
    {"a table that is a key", "local k = {n = 0} local t = {[k] = true}",
     "for _ in pairs({}) do end k.n = k.n + 1 return {v = k.n}", NULL, false},
    {"a write that fails", "r.a = {}",
     "pcall(function() r.a.n = 1 error('x') end) local n = r.a.n r.a.n = 2 return {v = n}", NULL, false},
    {"a write behind pcall", "r.a = {n = 0}",
     "pcall(function() r.a.n = r.a.n + 1 error('x') end) return {v = r.a.n}", NULL, false},
    {"a write inside of pairs", "r.a = {x = 1, y = 2}",
     "local sum = 0 for k, n in pairs(r.a) do sum = sum + n r.a[k] = n + 1 end return {v = sum}", NULL,
     false},
    {"what ipairs and pairs give back", "local t = {1}",
     "local _, same = ipairs(t) same[2] = (same[2] or 0) + 1 _, same = pairs(t) same[3] = (same[3] or 0) + 1 "
     "return {v = t[2] * 10 + t[3]}",
     NULL, false},
    {"wrong keys", "local t = {}",
     "local _, a = pcall(function() t[nil] = 1 end) local _, b = pcall(function() t[0 / 0] = 1 end) "
     "return {v = a .. b}",
     NULL, false},
    {"a memory of results", "local memo = {}",
     "local hit = memo[tostring(input.v)] memo[tostring(input.v)] = true return {v = hit and 1 or 0}", NULL,
     false},
    {"an iterator that counts", "local step, t = pairs({1, 2, 3})", "return {v = step(t) or 0}", NULL, false},
    {"an iterator in a table", "r.each = {(pairs({1, 2, 3}))}", "return {v = r.each[1]() or 0}", NULL, false},
    {"another file's table", "local q = require 'q'", "q.n = q.n + 1 return {v = q.n}", "q.n = 0", false},
    {"another file's table, required in the call", "",
     "local q = require 'q' table.insert(q.list, 1) return {v = #q.list}", "q.list = {}", false},
    {"another file's variable", "local q = require 'q'", "return {v = q.count[1]()}",
     "local n = 0 q.count = {function() n = n + 1 return n end}", false},
    {"a list written to that has room", "local t = {1, 2, 3, 4, 5, 6, 7, 8} for i = 4, 8 do t[i] = nil end",
     "t[8] = 8 return {v = #t}", NULL, false},
    {"a file that changes another one", "r.n = {1}", "return {v = #r.n}",
     "local r = require 'r' r.n[#r.n + 1] = 1", false},
    {"a file that changes another one's functions", "r.g = {call = function() return 1 end}",
     "return {v = r.g.call()}", "require 'r'.g.call = function() return 2 end", false},
    {"a file that sorts another one's list", "r.list = {3, 1, 2}", "return {v = r.list[1]}",
     "table.sort(require 'r'.list)", false},
    {"a list that is long for few elements",
     "local t = {} for i = 1, 20 do t['x' .. i] = i end for i = 20, 0, -1 do t[math.tointeger(2 ^ i)] = i "
     "end",
     "return {v = #t}", NULL, false},
    {"a list that is too long for an array",
     "local t = {} for i = 1, 20 do t['x' .. i] = i end for i = 31, 0, -1 do t[math.tointeger(2 ^ i)] = i "
     "end",
     "return {v = #t}", NULL, false},
    {"a list that is too long for a number of 32 bits",
     "local t = {} for i = 1, 20 do t['x' .. i] = i end for i = 32, 0, -1 do t[math.tointeger(2 ^ i)] = i "
     "end",
     "return {v = #t}", NULL, false},
    {"files in a circle", "local ok = pcall(require, 'q')", "return {v = ok}",
     "local ok = pcall(require, 'r') q.ok = ok", false},
};

static struct sandbox *sandbox_of_trial(const struct trial *t, struct bundle **bundle)
{
    static const char shapes[] = "s = {f = {input = {v = 'integer 0..9'}, result = {v = '%s'}}} ";
    static const char *const shown[] = {"number -1e308..1e308", "text", "boolean"};
    struct err err = {0};
    for (size_t i = 0; i < COUNT_OF(shown); i++) { /* whichever of these shapes fits */
        struct buf r = BUF_INIT, q = BUF_INIT, shape = BUF_INIT;
        buf_appendf(&shape, shapes, shown[i]);
        buf_appendf(&r, "local r = {} local %s r.shapes = s\n%s\nfunction r.f(input)\n%s\nend\n", shape.data,
                    t->head, t->body);
        buf_append_str(
            &r, "function r.examples() return {{call = 'f', input = {v = 1}, expect = r.f({v = 1})}} end "
                "return r");
        buf_appendf(&q, "local q = {} local %s q.shapes = s\n%s\n", shape.data, t->beside ? t->beside : "");
        buf_append_str(&q, "function q.f(input) return require 'r'.f(input) end "
                           "function q.examples() return {} end return q");
        *bundle = fixture_bundle("lua/rules/q.lua", q.data, "lua/rules/r.lua", r.data, NULL);
        struct sandbox *s = sandbox_new(*bundle, &FIXTURE_LIMITS, &err);
        buf_release(&r);
        buf_release(&q);
        buf_release(&shape);
        if (s == NULL)
            fail_msg("%s: %s", t->name, err.text);
        struct vm *vm = fixture_vm(VM_APP, *bundle);
        lua_createtable(vm->L, 0, 1);
        lua_pushinteger(vm->L, 1);
        lua_setfield(vm->L, -2, "v");
        bool fits = sandbox_call(s, "r", "f", vm->L, 1, NULL, NULL, &err) == 0;
        vm_free(vm);
        sandbox_free(s);
        if (fits)
            return sandbox_new(*bundle, &FIXTURE_LIMITS, &err);
        bundle_unref(*bundle);
    }
    fail_msg("%s: %s", t->name, err.text);
    return NULL;
}

static void call(struct sandbox *s, const struct trial *t, const char *rule, int v, struct vm *vm,
                 struct buf *out)
{
    struct err err = {0};
    lua_settop(vm->L, 0);
    lua_createtable(vm->L, 0, 1);
    lua_pushinteger(vm->L, v);
    lua_setfield(vm->L, -2, "v");
    if (sandbox_call(s, rule, "f", vm->L, 1, NULL, out, &err) < 0)
        fail_msg("%s: %s", t->name, err.text);
}

/* The same calls where files are kept and where none ever was: each gives the same, whatever came before it.
 * The bundle is let go of. */
static void try_calls(const struct trial *t, struct bundle *bundle, struct sandbox *kept,
                      const char *const rules[4])
{
    struct err err = {0};
    struct vm *vm = fixture_vm(VM_APP, bundle);
    for (int i = 0; i < 12; i++) {
        const char *rule = rules[i % 4];
        struct buf got = BUF_INIT, expected = BUF_INIT;
        struct sandbox *fresh = sandbox_new(bundle, &FIXTURE_LIMITS, &err);
        assert_non_null(fresh);
        sandbox_discard(fresh);
        fresh->keeps = false;
        call(fresh, t, rule, i % 3, vm, &expected);
        call(kept, t, rule, i % 3, vm, &got);
        if (strcmp(got.data, expected.data) != 0)
            fail_msg("%s: call %d of %s gives %s, alone %s", t->name, i + 1, rule, got.data, expected.data);
        sandbox_free(fresh);
        buf_release(&got);
        buf_release(&expected);
    }
    if (kept->keeps != t->kept)
        fail_msg("%s: the files are %s", t->name, kept->keeps ? "kept" : "run anew");
    sandbox_free(kept);
    vm_free(vm);
    bundle_unref(bundle);
}

static void try(const struct trial *t)
{
    static const char *const rules[] = {"r", "r", "r", "q"};
    struct bundle *bundle;
    struct sandbox *kept = sandbox_of_trial(t, &bundle);
    try_calls(t, bundle, kept, rules);
}

static void test_files_that_nobody_writes_to_are_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(clean); i++)
        try(&clean[i]);
}

static void test_whoever_leaves_a_trace_is_alone_with_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(dirty); i++)
        try(&dirty[i]);
}

/* Files that do something to one another while they are run: k, whose n is set and read by the others, and
 * the heads of a, b and c, each of whose f gives that n if nothing else is said. */
struct family {
    const char *name, *a, *b, *c;
    bool kept;
};

static const struct family families[] = {
    {"reading one another", "v = k.get()", "v = k.get() + 1", "v = require 'a'.v", true},
    {"setting a variable of another file", "k.set(5)", "", "", false},
    {"what the first sets the second reads and takes back", "k.add()", "v = k.get() k.set(0)", "", false},
    {"each sets another value, the last one the first", "v = k.add()", "v = k.add()", "k.set(0)", false},
    {"set for the time another file is run", "k.add() v = require 'c'.v k.set(0)", "", "v = k.get()", false},
    {"set for the time another file is run, which sets it back", "k.add() v = require 'c'.v", "",
     "v = k.get() k.set(0)", false},
    {"set and set back by one and the same file", "k.add() k.set(0)", "v = k.get()", "", true},
    {"keeping a function for another file", "k.set(function() return 1 end) v = 2", "v = type(k.get())", "",
     false},
};

static void try_family(const struct family *f)
{
    static const char *const rules[] = {"c", "b", "a", "k"};
    const char *const heads[] = {f->c, f->b, f->a, ""};
    struct err err = {0};
    struct bundle *bundle = fixture_bundle_new();
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        struct buf text = BUF_INIT, path = BUF_INIT;
        buf_appendf(&path, "lua/rules/%s.lua", rules[i]);
        buf_append_str(&text, "local r = {} r.shapes = {f = {input = {v = 'integer 0..9'}, "
                              "result = {v = 'text'}}} local v ");
        buf_append_str(&text, strcmp(rules[i], "k") == 0
                                  ? "local n = 0 local k = {} r.api = k function k.set(x) n = x end "
                                    "function k.get() return n end function k.add() n = n + 1 return n end "
                                  : "local k = require 'k'.api ");
        buf_appendf(&text,
                    "%s r.v = v function r.f() local x = v or k.get() "
                    "return {v = type(x) == 'function' and 'function' or tostring(x)} end "
                    "function r.examples() return {} end return r",
                    heads[i]);
        fixture_add(bundle, path.data, text.data, text.len);
        buf_release(&text);
        buf_release(&path);
    }
    struct sandbox *kept = sandbox_new(bundle, &FIXTURE_LIMITS, &err);
    if (kept == NULL)
        fail_msg("%s: %s", f->name, err.text);
    try_calls(&(struct trial){.name = f->name, .kept = f->kept}, bundle, kept, rules);
}

static void test_no_file_sees_what_another_one_did(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(families); i++)
        try_family(&families[i]);
}

/* What is kept can be handed out: as a result, as parameters, as examples. */
static void test_what_is_kept_is_read_like_any_table(void **state)
{
    (void)state;
    struct bundle *bundle = fixture_bundle(
        "lua/rules/r.lua",
        "local r = {parameters = {list = {1, 2, {x = 3}}}}\n"
        "local kept = {list = {{n = 1}, {n = 2}}, name = 'x'}\n"
        "r.shapes = {f = {input = {v = 'integer 0..9'},\n"
        "  result = {name = 'text', list = {list = {record = {n = 'integer 0..9'}}, max = 5}}}}\n"
        "local examples = {{call = 'f', input = {v = 1}, expect = kept}}\n"
        "function r.f() return kept end function r.examples() return examples end return r",
        NULL);
    struct err err = {0};
    struct buf out = BUF_INIT;
    struct sandbox *s = sandbox_new(bundle, &FIXTURE_LIMITS, &err);
    struct vm *vm = fixture_vm(VM_APP, bundle);
    assert_non_null(s);
    call(s, &(struct trial){.name = "results"}, "r", 1, vm, &out);
    assert_string_equal(out.data, "{\"list\":[{\"n\":1},{\"n\":2}],\"name\":\"x\"}");
    assert_int_equal(1, sandbox_check(s, NULL, NULL));
    assert_int_equal(0, sandbox_push_field(s, "r", "parameters", vm->L, &err));
    lua_getfield(vm->L, -1, "list");
    assert_int_equal(3, lua_rawlen(vm->L, -1));
    lua_rawgeti(vm->L, -1, 3);
    lua_getfield(vm->L, -1, "x");
    assert_int_equal(3, lua_tointeger(vm->L, -1));
    assert_true(s->keeps);
    buf_release(&out);
    sandbox_free(s);
    vm_free(vm);
    bundle_unref(bundle);
}

/* examples() that leaves a trace is asked again, and so is what has failed for another one. */
static void test_examples_that_leave_a_trace_are_read_once(void **state)
{
    (void)state;
    struct bundle *bundle = fixture_bundle(
        "lua/rules/r.lua",
        "local r = {n = 0} r.shapes = {f = {input = {v = 'integer 0..9'}, result = {v = 'integer 0..9'}}}\n"
        "function r.f(input) return {v = input.v} end\n"
        "function r.examples() r.n = r.n + 1 local list = {}\n"
        "for i = 1, 3 do list[i] = {call = 'f', input = {v = i}, expect = {v = i}} end return list end "
        "return r",
        NULL);
    struct err err = {0};
    struct sandbox *s = sandbox_new(bundle, &FIXTURE_LIMITS, &err);
    assert_non_null(s);
    assert_int_equal(3, sandbox_check(s, NULL, NULL));
    assert_false(s->keeps);
    sandbox_free(s);
    bundle_unref(bundle);
}

/* A call that fails leaves nothing. If it left no trace, the next state keeps files again; else it has been
 * run once more, alone, and has failed there too. */
static void test_a_failed_call_leaves_nothing(void **state)
{
    (void)state;
    struct bundle *bundle = fixture_bundle(
        "lua/rules/r.lua",
        "local r = {n = {0}} r.shapes = {f = {input = {v = 'integer 0..9'}, result = {v = 'integer 0..9'}}}\n"
        "function r.f(input) if input.v > 1 then r.n[1] = 5 end\n"
        "if input.v > 0 then error('x') end return {v = r.n[1]} end\n"
        "function r.examples() return {} end return r",
        NULL);
    struct err err = {0};
    struct sandbox *s = sandbox_new(bundle, &FIXTURE_LIMITS, &err);
    struct vm *vm = fixture_vm(VM_APP, bundle);
    assert_non_null(s);
    for (int v = 1; v <= 2; v++) {
        struct buf out = BUF_INIT;
        lua_settop(vm->L, 0);
        lua_createtable(vm->L, 0, 1);
        lua_pushinteger(vm->L, v);
        lua_setfield(vm->L, -2, "v");
        assert_int_equal(-1, sandbox_call(s, "r", "f", vm->L, 1, NULL, NULL, &err));
        assert_string_equal("lua/rules/r.lua:3: x", err.text);
        call(s, &(struct trial){.name = "after a failure"}, "r", 0, vm, &out);
        assert_string_equal(out.data, "{\"v\":0}");
        assert_int_equal(v == 1, s->keeps);
        buf_release(&out);
    }
    sandbox_free(s);
    vm_free(vm);
    bundle_unref(bundle);
}

/* How many MiB, about, a call may hold. */
static int sizes_allowed(struct sandbox *s, const char *rule, struct vm *vm)
{
    struct err err = {0};
    int v = 0;
    do {
        lua_settop(vm->L, 0);
        lua_createtable(vm->L, 0, 1);
        lua_pushinteger(vm->L, ++v);
        lua_setfield(vm->L, -2, "v");
    } while (v < 10 && sandbox_call(s, rule, "f", vm->L, 1, NULL, NULL, &err) == 0);
    assert_int_equal(ERR_LIMIT, err.code);
    return v - 1;
}

/* What files hold, and what they need only while they are run, is no part of what a call may use, whether
 * they are run before it or in it. */
static void test_a_call_has_as_much_memory_beside_its_files(void **state)
{
    (void)state;
    static const char grow[] =
        "local function grow(n) local list = {} for i = 1, n do local t = {} for k = 1, 4096 do t[k] = k end "
        "list[i] = t end return list end\n"
        "local r = {} r.shapes = {f = {input = {v = 'integer 0..10'}, result = {v = 'integer 0..1000'}}}\n"
        "function r.examples() return {} end\n";
    char q[1000], r[1000], t[1000];
    snprintf(q, sizeof q,
             "%sr.kept = grow(15) function r.f(input) return {v = #grow(input.v * 15)} end return r", grow);
    snprintf(r, sizeof r,
             "%sgrow(50) local kept = grow(8) local q = require 'q'\n"
             "function r.f(input) local n = #grow(input.v * 15) return {v = n + #kept - #kept} end return r",
             grow);
    snprintf(t, sizeof t,
             "%sfunction r.f(input) local list = grow(input.v * 15) local n = #require 'q'.kept + #list\n"
             "if input.v > 0 then require 'r' end return {v = n} end return r",
             grow);
    struct bundle *bundle =
        fixture_bundle("lua/rules/q.lua", q, "lua/rules/r.lua", r, "lua/rules/t.lua", t, NULL);
    struct sandbox_limits limits = FIXTURE_LIMITS;
    limits.cpu_ms = 10000;
    limits.instructions = 100000000;
    struct err err = {0};
    struct sandbox *s = sandbox_new(bundle, &limits, &err);
    struct vm *vm = fixture_vm(VM_APP, bundle);
    assert_non_null(s);
    static const char *const rules[] = {"q", "r", "t"};
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        assert_true(s->keeps);
        assert_int_equal(8, sizes_allowed(s, rules[i], vm));
    }
    sandbox_discard(s);
    s->keeps = false;
    for (size_t i = 0; i < COUNT_OF(rules); i++)
        assert_int_equal(8, sizes_allowed(s, rules[i], vm));
    sandbox_free(s);
    vm_free(vm);
    bundle_unref(bundle);
}

/* How deep a function may call itself does not depend on how deep others did before it. */
static void test_a_call_goes_as_deep_whatever_came_before(void **state)
{
    (void)state;
    struct bundle *bundle = fixture_bundle(
        "lua/rules/r.lua",
        "local r = {} r.shapes = {f = {input = {v = 'integer 0..9999'}, result = {v = 'integer 0..9999'}}}\n"
        "local function deep(n) if n == 0 then return 0 end return 1 + deep(n - 1) end\n"
        "function r.f(input) return {v = deep(input.v)} end\n"
        "function r.examples() return {} end return r",
        NULL);
    struct err err = {0};
    struct vm *vm = fixture_vm(VM_APP, bundle);
    int first = 0;
    for (int before = 0; before < 2600; before += 37) {
        struct sandbox *s = sandbox_new(bundle, &FIXTURE_LIMITS, &err);
        assert_non_null(s);
        int low = 0, high = 9999; /* the deepest that works, the flattest that does not */
        while (high - low > 1) {
            int calls[] = {before, (low + high) / 2}, rc = 0;
            sandbox_discard(s);
            for (size_t i = 0; i < COUNT_OF(calls); i++) {
                lua_settop(vm->L, 0);
                lua_createtable(vm->L, 0, 1);
                lua_pushinteger(vm->L, calls[i]);
                lua_setfield(vm->L, -2, "v");
                rc = sandbox_call(s, "r", "f", vm->L, 1, NULL, NULL, &err);
            }
            *(rc == 0 ? &low : &high) = calls[1];
        }
        if (first == 0)
            first = low;
        if (low != first)
            fail_msg("after a call %d deep, %d are possible instead of %d", before, low, first);
        sandbox_free(s);
    }
    vm_free(vm);
    bundle_unref(bundle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_that_nobody_writes_to_are_kept),
        cmocka_unit_test(test_whoever_leaves_a_trace_is_alone_with_it),
        cmocka_unit_test(test_no_file_sees_what_another_one_did),
        cmocka_unit_test(test_what_is_kept_is_read_like_any_table),
        cmocka_unit_test(test_examples_that_leave_a_trace_are_read_once),
        cmocka_unit_test(test_a_call_has_as_much_memory_beside_its_files),
        cmocka_unit_test(test_a_call_goes_as_deep_whatever_came_before),
        cmocka_unit_test(test_a_failed_call_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
