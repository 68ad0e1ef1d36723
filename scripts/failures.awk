# Reads what make test and make check printed and gives in short what failed
# where, so that the end of a long log tells it: the line, and the last four of
# what was said about it.

function flush(i, from)
{
	from = n > 4 ? n - 3 : 1
	for (i = from; i <= n; i++)
		print substr(said[i], 1, 120)
	n = 0
}

/^in the .* kernel:/ { flush(); failing = 0; where = " (" $0 ")"; sub(/:\)$/, ")", where); next }
/^FAIL / { flush(); failing = 1; print substr($0, 1, 140) where; next }
!/^  / { flush(); failing = 0; if (/^== make/) where = ""; next }
failing && !/^  \|/ { flush(); print; next }
failing { said[++n] = $0 }

END { flush() }
