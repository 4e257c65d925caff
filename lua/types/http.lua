---@meta http
local http = {}

---@class http.request
---@field method string    "GET", … (HEAD is shown as GET)
---@field path string      raw path
---@field route string     the route's template
---@field params table<string, string|integer>  path parameters; int ones are integers; read only if there are none
---@field id string        request id
---@field remote string    client address
---@field body string      "" if there is none
local request = {}

---Value of a header (name without case), nil if absent.
---@param name string
---@return string?
function request:header(name) end

---Query parameters, decoded, and what is wrong with those that are repeated or badly escaped (under "" if the name is).
---@return table<string, string>? values  of each the first that can be read; nil: there is no query
---@return table<string, string>? faults  in words, by name
function request:query() end

---The body as JSON. nil, err (code "invalid") if it is not strict JSON. A body "null" gives json.null.
---@return any value
---@return err? err
function request:json() end

---What a handler returns.
---@class http.response
---@field status integer
---@field headers? table<string, string>
---@field json? any       encoded as application/json (or content_type)
---@field body? string    sent as it is; needs content_type
---@field content_type? string

---An RFC 9457 problem as a response. `extra` members (errors, …) are added to the body. request_id is added by the host.
---@param status integer
---@param code string     stable, lower_snake_case; type is "/problems/" .. code
---@param detail? string  one sentence for a person
---@param extra? table<string, any>
---@param headers? table<string, string>
---@return http.response
function http.problem(status, code, detail, extra, headers) end

---A route as lua/app.lua lists it: app.lua returns a list of these. C reads method, path, handler and body_bytes_max; the
---rest is for Lua (roles, schema, doc).
---@class http.route
---@field method string
---@field path string     "/v1/children/{child_id:uuid}"; types uuid, int, slug
---@field handler fun(req: http.request, params: table<string, string|integer>, has_query: boolean): http.response
---@field body_bytes_max? integer

return http
