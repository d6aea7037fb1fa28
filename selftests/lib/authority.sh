# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Certificates for the lab's host names. Source lab.sh's lib.sh first: keys are in $RUN.

# authority NAME: $RUN/NAME.pem and $RUN/NAME.key, which sign.
authority()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$1" \
		-keyout "$RUN/$1.key" -out "$RUN/$1.pem" 2>/dev/null
}

# certify FILE DAYS NAME...: FILE.crt and FILE.key, by the authority "ours".
certify()
{
	local file=$1 days=$2
	shift 2
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=lab -keyout "$file.key" \
		-out "$RUN/csr" 2>/dev/null && chmod 600 "$file.key" &&
		openssl x509 -req -in "$RUN/csr" -CA "$RUN/ours.pem" -CAkey "$RUN/ours.key" -days "$days" \
			-extfile <(printf 'subjectAltName=%s\n' "$(printf 'DNS:%s,' "$@" | sed 's/,$//')") \
			-out "$file.crt" 2>/dev/null
}
