-- SPDX-License-Identifier: Apache-2.0
-- As report.lua, and each request is for another of so many routes, in an order that no cache can
-- follow: a step that is prime to their number.
dofile((debug.getinfo(1, "S").source:sub(2):gsub("routes%.lua$", "report.lua")))

local requests, at = {}, 0

function init(args)
	local number = tonumber(args[1])

	for i = 0, number - 1 do
		local route = i * 7919 % number
		requests[i] = wrk.format("GET", "/r/" .. route .. "/x")
	end
	requests.number = number
end

function request()
	at = (at + 1) % requests.number
	return requests[at]
end
