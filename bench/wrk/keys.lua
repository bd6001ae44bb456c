-- SPDX-License-Identifier: Apache-2.0
-- As report.lua, and each request comes with the next of so many keys.
dofile((debug.getinfo(1, "S").source:sub(2):gsub("keys%.lua$", "report.lua")))

local requests, at = {}, 0

function init(args)
	local number = tonumber(args[1])

	for i = 0, number - 1 do
		requests[i] = wrk.format("GET", "/keyed",
			{ ["X-Api-Key"] = string.format("bench-key-%04d", i) })
	end
	requests.number = number
end

function request()
	at = (at + 1) % requests.number
	return requests[at]
end
