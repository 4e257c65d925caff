-- Addresses of clients.
local address = {}

local GROUPS, NETWORK_GROUPS = 8, 4

-- The groups of one half of an IPv6 address, as numbers.
local function groups(text)
  local found = {}
  for digits in text:gmatch("%x+") do
    found[#found + 1] = tonumber(digits, 16)
  end
  return found
end

---What a client is counted by: its IPv4 address, or the first 64 bits of an IPv6 address, as whoever has one has all the
---others that begin like it and could come from another one each time.
---@param text string  as in http.request.remote
---@return string
function address.network(text)
  if not text:find(":", 1, true) or text:find(".", 1, true) then
    return text
  end
  local before, after = text:match("^(.-)::(.*)$")
  local all, last = groups(before or text:match("^[^%%]*")), groups((after or ""):match("^[^%%]*"))
  if before then
    for _ = 1, GROUPS - #all - #last do
      all[#all + 1] = 0
    end
  end
  table.move(last, 1, #last, #all + 1, all)
  return ("%x:%x:%x:%x::/64"):format(table.unpack(all, 1, NETWORK_GROUPS))
end

return address
