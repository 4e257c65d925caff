-- Chance that nobody can foresee: numbers and orders made of cryptographic random bytes.
local auth = require "auth"

local random = {}

local BYTES = 48 -- a multiple of 3: every character of their base64url stands for six whole bits
local VALUES_PER_CHARACTER = 64
local DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

local VALUES = {}
for index = 1, #DIGITS do
  VALUES[DIGITS:byte(index)] = index - 1
end

local ID_BYTES = 16

local characters, used = "", 0

-- A whole number below 2 ^ (6 * count).
local function draw(count)
  if used + count > #characters then
    characters, used = auth.random(BYTES), 0
  end
  local value = 0
  for index = used + 1, used + count do
    value = value * VALUES_PER_CHARACTER + VALUES[characters:byte(index)]
  end
  used = used + count
  return value
end

---A whole number from 1 to n, each as likely as any other.
---@param n integer  at most 2^18
---@return integer
function random.up_to(n)
  local count, range = 1, VALUES_PER_CHARACTER
  while range < n do
    count, range = count + 1, range * VALUES_PER_CHARACTER
  end
  local limit = range - range % n
  local value
  repeat
    value = draw(count)
  until value < limit
  return value % n + 1
end

---@generic T
---@param list T[]
---@return T
function random.pick(list)
  return list[random.up_to(#list)]
end

---Bring the list into any order, each as likely as any other.
---@generic T
---@param list T[]
---@return T[]  the same list
function random.shuffle(list)
  for index = #list, 2, -1 do
    local other = random.up_to(index)
    list[index], list[other] = list[other], list[index]
  end
  return list
end

---A name that says nothing and that nobody can guess.
---@return string
function random.id()
  return auth.random(ID_BYTES)
end

return random
