# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Routes in the lab: a listener on a VIP of its own, and tenants' names, pools and routes added to the
# lab's configuration before mtlbd starts. Source lab.sh's lib.sh first.

SITE_V4=192.0.2.60
# shellcheck disable=SC2034 # for those who source this
SITE_V6=2001:db8::60

# The node has the VIPs.
site_addresses()
{
	ns lb ip address add $SITE_V4/32 dev lo && ns lb ip address add $SITE_V6/128 dev lo nodad
}

# site_listener [KEYS [PORT PROTOCOL]]: a port of both VIPs, 80 without TLS, as "web".
site_listener()
{
	sed -i -e 's/^vips:/&\n  - {name: shared-v4, address: '$SITE_V4'}\n  - {name: shared-v6, address: "'$SITE_V6'"}/' \
		-e "s/^tenants:/listeners:\\n  - {name: web, vips: [shared-v4, shared-v6], port: ${2:-80}, protocol: ${3:-HTTP}${1:+, $1}}\\n&/" \
		"$CONFIG/platform.yaml"
}

# site_domains TENANT NAMES: as in a list of YAML.
site_domains()
{
	sed -i "s/name: $1, id: [0-9]*,/& domains: [$2],/" "$CONFIG/platform.yaml"
}

# site_pool TENANT NAME KEYS ADDRESS:PORT...
site_pool()
{
	local file=$CONFIG/tenants.d/$1.yaml name=$2 keys=$3 list
	shift 3
	list=$(printf '{address: "%s"}, ' "$@")
	sed -i "s|^services:|  - {name: $name, ${keys:+$keys, }backends: [${list%, }]}\n&|" "$file"
}

# site_routes TENANT ROUTE...
site_routes()
{
	local file=$CONFIG/tenants.d/$1.yaml
	shift
	{
		echo 'routes:'
		printf '  - %s\n' "$@"
	} >>"$file"
}

# site_certificate TENANT HOST: in the store, and in its file; after site_routes.
site_certificate()
{
	mkdir -p "$CONFIG/certificates/$1" && certify "$CONFIG/certificates/$1/site" 2 "$2" &&
		echo "certificates: [{name: site, hostnames: [$2], certFile: site.crt, keyFile: site.key}]" \
			>>"$CONFIG/tenants.d/$1.yaml"
}
