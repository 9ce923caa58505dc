#!/usr/bin/env bash
# Debian's libapache2-mod-auth-openidc: a page that only a login with a hardware token opens; the module's own refresh and
# logout hooks.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
chmod 755 "$work"
server=
stop() { [ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"; }
trap stop EXIT
modules=/usr/lib/apache2/modules
mkdir "$work/htdocs" "$work/htdocs/protected"
cat >"$work/htdocs/protected/index.shtml" <<'PAGE'
{"client": "mod_auth_openidc", "acr": "<!--#echo encoding="none" var="OIDC_CLAIM_acr" -->", "auth_time": "<!--#echo encoding="none" var="OIDC_CLAIM_auth_time" -->", "name": "<!--#echo encoding="none" var="OIDC_CLAIM_name" -->", "access": "<!--#echo encoding="none" var="OIDC_access_token" -->"}
PAGE
cat >"$work/httpd.conf" <<CONF
ServerRoot "$work"
ServerName 127.0.0.1
Listen 127.0.0.1:$PORT
PidFile "$work/httpd.pid"
ErrorLog "$work/error.log"
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authn_core_module $modules/mod_authn_core.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule authz_user_module $modules/mod_authz_user.so
LoadModule mime_module $modules/mod_mime.so
LoadModule dir_module $modules/mod_dir.so
LoadModule include_module $modules/mod_include.so
LoadModule auth_openidc_module $modules/mod_auth_openidc.so
DefaultRuntimeDir "$work"
Mutex file:$work
$([ "$(id -u)" = 0 ] && printf 'User www-data\nGroup www-data')
DocumentRoot "$work/htdocs"
TypesConfig /dev/null
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
DirectoryIndex index.shtml
OIDCProviderMetadataURL $ISSUER/.well-known/openid-configuration
OIDCClientID $CLIENT_ID
OIDCClientSecret $CLIENT_SECRET
OIDCRedirectURI http://127.0.0.1:$PORT/callback
OIDCCryptoPassphrase a-passphrase-for-this-run-only
OIDCScope "openid profile email"
OIDCPKCEMethod S256
OIDCAuthRequestParams acr_values=urn%3Astepgate%3Aacr%3Ahardware-token
OIDCPassClaimsAs environment
<Directory "$work/htdocs">
    Options +Includes
    Require all granted
</Directory>
<Location "/callback">
    AuthType openid-connect
    Require valid-user
</Location>
<Location "/protected">
    AuthType openid-connect
    Require claim acr:urn:stepgate:acr:hardware-token
</Location>
CONF
[ "$(id -u)" = 0 ] && chown -R www-data "$work"
/usr/sbin/apache2 -f "$work/httpd.conf" -DFOREGROUND >"$work/out.log" 2>&1 &
server=$!
for _ in $(seq 100); do
    curl -s -o /dev/null "http://127.0.0.1:$PORT/" && break
    sleep 0.1
done
walk() { python3 "$here/../walk.py" erin "$1" "$2" --jar "$JAR" "${@:3}"; }
fail() { printf 'mod_auth_openidc: %s\n' "$1" >&2; tail -n 20 "$work/error.log" >&2; exit 1; }
field() { sed -n "s/.*\"$1\": \"\([^\"]*\)\".*/\1/p"; }
app=http://127.0.0.1:$PORT

page=$(walk "$app/protected/" "$app/callback" --open) || fail "the login does not end"
case "$page" in
    *'"acr": "urn:stepgate:acr:hardware-token"'*'"name": "Erin Ellis"'*) ;;
    *) fail "unexpected page: $page" ;;
esac
# https://github.com/OpenIDC/mod_auth_openidc/wiki/OAuth-2.0-Tokens: the page asks its own server for a new token.
token=$(field access <<<"$page")
walk "$app/callback?refresh=$app/protected/&access_token=$token" none --fetch >"$work/refreshed"
renewed=$(field access <"$work/refreshed")
[ -n "$renewed" ] && [ "$renewed" != "$token" ] || fail "no new access token: $(cat "$work/refreshed")"
[ "$(field auth_time <"$work/refreshed")" = "$(field auth_time <<<"$page")" ] || fail "a refresh changed auth_time"
status() { curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $1" "$ISSUER/userinfo"; }
[ "$(status "$renewed")" = 200 ] || fail "the new access token is not good"
[ "$(walk "$app/callback?logout=$app/" "$app/")" = "$app/" ] || fail "the logout led elsewhere"
[ "$(status "$renewed")" = 401 ] || fail "the tokens outlived the session"
sed 's/, "access": "[^"]*"//' <<<"$page"
