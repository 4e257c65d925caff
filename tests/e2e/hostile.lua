-- Bodies of a rule function that mean harm, each under a line `--- name`; test_hostile_rules.py puts them into a live server one
-- after the other. They are never loaded from here.

--- endless loop
while true do end
--- goto
::again:: goto again
--- loop over all integers
for i = math.mininteger, math.maxinteger do end
--- loop with a tiny step
for x = 0.0, 1.0, 1e-300 do end
--- endless iterator
for _ in function() return 1 end do end
--- tail calls
local function f() return f() end return f()
--- two tail-calling functions
local g local function f() return g() end g = function() return f() end return f()
--- pcall in a loop
while true do pcall(error) end
--- a loop within pcall, for ever
while true do pcall(function() while true do end end) end
--- the kill swallowed and a nice answer
pcall(function() while true do end end) return { allowed = true }
--- pcall nested
local function f() pcall(f) pcall(f) return f() end f()
--- pcall of pcall
while true do pcall(pcall, pcall, pcall, error, "x") end
--- endless comparator
table.sort({ 3, 2, 1 }, function() while true do end end)
--- a comparator that lies
local t = {} for i = 1, 1000 do t[i] = i end while true do table.sort(t, function() return true end) end
--- sorting long equal texts
local a = string.rep("a", 60000) local b, c = a .. "b", a .. "c"
local t = {} for i = 1, 9000 do t[i] = i % 2 == 0 and b or c end table.sort(t)
--- comparing long texts
local a, b = string.rep("a", 60000) .. "x", string.rep("a", 60000) .. "y" local n = 0
while true do if a < b then n = n + 1 end end
--- comparing texts of NULs
local a, b = string.rep("\0", 65000) .. "b", string.rep("\0", 65000) .. "c" while true do local x = a < b x = b < a end
--- equality of long texts
local a, b = string.rep("a", 60000) .. "x", string.rep("a", 60000) .. "y" while true do local x = a == b end
--- a number of 65000 digits
local s = "0x." .. string.rep("f", 65000) .. "p-300" while true do tonumber(s) end
--- a search that nearly succeeds
local s, w = string.rep("ab", 32000), string.rep("ab", 100) .. "aa" while true do s:find(w) end
--- rep in a loop
while true do local s = string.rep("x", 65000) end
--- upper, lower, reverse
local s = string.rep("x", 65000) while true do s = s:upper():lower():reverse() end
--- all bytes of a text
local s = string.rep("x", 65000) while true do local t = { s:byte(1, -1) } end
--- format in a loop
while true do string.format("%.14f%.14f", 1e308, 1e308) end
--- concat in a loop
local t = {} for i = 1, 6000 do t[i] = "xxxxxxxxxx" end while true do table.concat(t) end
--- insert and remove at the front
local t = {} for i = 1, 9000 do t[i] = i end while true do table.insert(t, 1, 0) table.remove(t, 1) end
--- next, over and over
local t = {} for i = 1, 8000 do t["k" .. i] = i end local k while true do k = next(t, k) end
--- pairs, over and over
local t = {} for i = 1, 8000 do t["k" .. i] = i end while true do for k in pairs(t) do break end end
--- colliding keys
local t = {} for i = 1, 1e8 do t[i * 8191 * 16383 * 32767] = i end
--- unpack in a loop
local t = {} for i = 1, 200 do t[i] = i end while true do local x = { table.unpack(t) } end
--- require in a loop
while true do require "points" end
--- growing table
local t = {} while true do t[#t + 1] = {} end
--- giant array
local t = {} for i = 1, 1e9 do t[i] = i end
--- sparse table
local t = {} for i = 1, 1e9 do t[i * 1000003] = i end
--- table of texts
local t = {} for i = 1, 1e9 do t[i % 16000] = string.rep("x", 4000) .. i end
--- linked list
local l while true do l = { l, 1, 2, 3, 4, 5, 6, 7, 8 } end
--- closures
local f = function() end while true do local g = f f = function() return g end end
--- doubling text
local s = "x" while true do s = s .. s end
--- one giant text
local s = string.rep("x", 60000) return { allowed = #(s .. s .. s .. s .. s .. s) > 0 }
--- memory swallowed
while true do pcall(function() local l while true do l = { l, 1, 2, 3, 4, 5, 6, 7, 8 } end end) end
--- garbage at the brim
local keep for i = 1, 1e9 do
  local ok = pcall(function() keep = { keep, {}, {}, {} } end) if not ok then keep = keep[1] end
end
--- much to throw away
local l for i = 1, 70000 do l = { l } end while true do pcall(error) end
--- deep recursion
local function f(n) return 1 + f(n + 1) end return { allowed = f(1) > 0 }
--- deep recursion swallowed
local function f(n) return 1 + f(n + 1) end while true do pcall(f, 1) end
--- recursion through sort
local function f() table.sort({ 1, 2, 3 }, function() return f() end) end f()
--- recursion through pcall
local function f() return pcall(f) and f() end f() while true do f() end
--- arguments without end
local function f(...) return f(0, 0, 0, 0, 0, 0, 0, 0, ...) end return f()
--- globals
for i = 1, 1e9 do _ENV["g" .. i] = {} end
--- rep of the impossible
return { allowed = #string.rep("x", 1e15) > 0 }
--- rep by the string's own method
return { allowed = #("x"):rep(math.maxinteger) > 0 }
--- concat of the impossible
return { allowed = #table.concat({}, "x", math.mininteger, math.maxinteger) > 0 }
--- unpack of the impossible
return { allowed = select("#", table.unpack({}, 1, 1e8)) > 0 }
--- load
return load("return { allowed = true }")()
--- coroutines
return coroutine.wrap(function() while true do end end)()
--- collector as a trap
return setmetatable({ allowed = true }, { __gc = function() while true do end end })
--- metatable of texts
getmetatable("").__index = nil
--- patterns
return { allowed = string.rep("a", 60000):match(".-.-.-.-.-b") == nil }
--- gsub
return { allowed = string.gsub("x", "x", "y") == "y" }
--- table.move
table.move({}, 1, 1099511627776, 2)
--- clock
return { allowed = os.time() > 0 }
--- files
io.open("/etc/passwd"):read("a")
--- debug
debug.sethook()
--- the app's modules
require "store.users"
--- out of the folder
require "../app"
--- a change of string
string.rep = function() return "" end return { allowed = true }
--- a change of math by table.insert
table.insert(math, 1) return { allowed = true }
--- a change of another rule
require("points").parameters.tier_points[1] = 500 error("done")
--- a global left behind
left_behind = true error("done")
--- a changed input
input.begun_today = 0 error("done")
--- an error that is a table
error({ allowed = true })
--- an error that is itself
local t = {} t[1] = t error(t)
--- an error that is nil
error()
--- an error that is a function
error(function() while true do end end)
--- an error of 60000 bytes
error(string.rep("x", 60000))
--- an error with quotes and control characters
error('"},\n\27[31m{"msg":"forged"')
--- no result
return
--- a number
return 1
--- a missing field
return {}
--- an unknown field
return { allowed = true, also = 1 }
--- a numbered field
return { allowed = true, 1 }
--- the wrong type
return { allowed = 1 }
--- a function as result
return { allowed = pairs }
--- a result that holds itself
local t = {} t.allowed = t return t
--- a result a thousand deep
local t = true for i = 1, 1000 do t = { allowed = t } end return t
--- a result of ten thousand fields
local t = { allowed = true } for i = 1, 10000 do t["f" .. i] = i end return t
