-- SPDX-License-Identifier: Apache-2.0
-- As report.lua, and each request comes with the next of the first so many tokens of a file.
dofile((debug.getinfo(1, "S").source:sub(2):gsub("tokens%.lua$", "report.lua")))

local requests, at, number = {}, 0, 0

function init(args)
	local path, file, most = args[1], args[2], tonumber(args[3])

	for token in io.lines(file) do
		if number == most then
			break
		end
		requests[number] = wrk.format("GET", path, { ["Authorization"] = "Bearer " .. token })
		number = number + 1
	end
end

function request()
	at = (at + 1) % number
	return requests[at]
end
