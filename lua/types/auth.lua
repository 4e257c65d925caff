---@meta auth
local auth = {}

---Argon2id hash of a password, made on the thread pool (yields). Raises err.code "busy" when the queue is full.
---@param password string  1-1024 bytes
---@return string
function auth.hash_password(password) end

---Compare a password with a hash (yields). With hash nil the same work is done for nothing and false returned, so that an
---unknown account takes as long as a known one.
---@param hash string?
---@param password string
---@return boolean
function auth.verify_password(hash, password) end

---@class auth.claims
---@field sub string
---@field role string
---@field iss string
---@field aud string
---@field iat integer
---@field nbf integer
---@field exp integer

---Sign a JWT (HS256, current key). iss, aud, iat, nbf and exp are set here.
---@param claims { sub: string, role: string, [string]: any }
---@param ttl_s integer  1 … 31,536,000
---@return string
function auth.issue_token(claims, ttl_s) end

---Check signature (current, then previous key), alg HS256, exp, nbf, iss, aud. A token that was good before is only looked at
---for exp and nbf: its claims are the same table again, which nobody may change. With a function, whatever that makes of the
---claims takes their place; it must not wait, and is not asked again (unless it gave nil), so it has to be always the same.
---@param token string|http.request  a request: the bearer token that it brings
---@param read? fun(claims: auth.claims): any
---@return auth.claims? claims  or what read gave
---@return err? err  code "invalid_token" or "expired_token"
function auth.verify_token(token) end

---The same for a token of the other issuer that the settings name, by its key; ours are never good here, nor its there.
---@param token string|http.request  a request: the bearer token that it brings
---@param read? fun(claims: auth.claims): any
---@return auth.claims? claims  nbf may be missing, aud may be a list
---@return err? err  code "invalid_token" or "expired_token"
function auth.verify_foreign_token(token) end

---n random bytes, base64url without padding.
---@param n integer  16 … 64
---@return string
function auth.random(n) end

---SHA-256, lower-case hex.
---@param text string
---@return string
function auth.sha256(text) end

---Compare in constant time.
---@return boolean
function auth.equal(a, b) end

return auth
