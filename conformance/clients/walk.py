"""Plays the person: walks the login pages as a browser without scripts would, and stops at the application.

usage: walk.py USERNAME START_URL STOP_PREFIX [--open] [--fetch [--post]] [--jar FILE]
Prints the first address that begins with STOP_PREFIX, to which a redirect leads; with --open opens it instead and
prints the page. --fetch opens START_URL only (--post: with an empty form), as the same browser; --jar keeps its cookies from one walk to the next.
"""

import html
import http.cookiejar
import json
import os
import re
import sys
import urllib.parse
import urllib.request

ISSUER = os.environ["ISSUER"]
PASSWORD = "stepgate-demo-2026"


class Stop(Exception):
    """The application was reached."""


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but not past the application."""

    def __init__(self, prefix):
        self.prefix = prefix

    def redirect_request(self, request, body, code, message, headers, url):
        if url.startswith(self.prefix):
            raise Stop(url)
        return super().redirect_request(request, body, code, message, headers, url)


def forms(page):
    """The forms of a page: action, fields with their values, markup."""
    for form in re.findall(r"<form[^>]*>.*?</form>", page, re.S):
        action = html.unescape(re.search(r'action="([^"]*)"', form).group(1))
        pairs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
        yield action, {html.unescape(name): html.unescape(value) for name, value in pairs}, form


def code_of(username):
    with urllib.request.urlopen(f"{ISSUER}/demo/codes.json") as answer:
        return json.load(answer)[username]


def walk(opener, username, start):
    """Answers each page until the application is reached."""
    answers = {
        "login": ('name="username"', lambda: {"username": username}),
        "password": ('name="password"', lambda: {"password": PASSWORD}),
        "factor": ('name="factor"', lambda: {"factor": "hardware_token"}),
        "code": ('name="code"', lambda: {"code": code_of(username)}),
        "consent": ('name="decision"', lambda: {"decision": "allow"}),
        "logout-confirm": ('name="decision"', lambda: {"decision": "logout"}),
    }
    response = opener.open(start)
    for _ in range(12):
        page, here = response.read().decode(), response.geturl()
        name = re.search(r'data-page="([^"]+)"', page)
        # Other applications were told in frames; then the page goes on by itself, and without scripts by its link.
        onward = re.search(r'href="([^"]+)" data-onward', page)
        if onward and html.unescape(onward.group(1)).startswith(sys.argv[3]):
            raise Stop(html.unescape(onward.group(1)))
        if name is None or name.group(1) not in answers:
            sys.exit(f"walk: stuck at {here}: {name and name.group(1)}")
        marker, answer = answers[name.group(1)]
        for action, fields, markup in forms(page):
            if marker in markup:
                body = urllib.parse.urlencode({**fields, **answer()}).encode()
                response = opener.open(urllib.parse.urljoin(here, action), body)
                break
        else:
            sys.exit(f"walk: no form on {name.group(1)}")
    sys.exit("walk: the login does not end")


def main():
    username, start, prefix = sys.argv[1:4]
    kept = sys.argv[sys.argv.index("--jar") + 1] if "--jar" in sys.argv else None
    jar = http.cookiejar.LWPCookieJar(kept)
    if kept and os.path.exists(kept):
        jar.load(ignore_discard=True)
    cookies = urllib.request.HTTPCookieProcessor(jar)
    browser, onwards = (urllib.request.build_opener(cookies, *more) for more in ([Redirects(prefix)], []))
    for opener in (browser, onwards):
        opener.addheaders = [("User-Agent", "walk"), ("Accept", "text/html")]
    try:
        if "--fetch" in sys.argv:
            print(browser.open(start, b"" if "--post" in sys.argv else None).read().decode())
        else:
            walk(browser, username, start)
    except Stop as reached:
        if "--open" in sys.argv:
            print(onwards.open(str(reached)).read().decode())
        else:
            print(reached)
    if kept:
        jar.save(ignore_discard=True)


main()
