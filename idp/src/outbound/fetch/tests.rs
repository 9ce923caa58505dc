//! Only the loopback is ever connected to here: other addresses are judged without a connection, so that a guard that
//! fails sends nothing anywhere.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use futures_util::future::{BoxFuture, ready};

use super::*;

fn settings(allow: &[&str]) -> OutboundSettings {
    OutboundSettings { ca_file: None, allow: allow.iter().map(|network| network.parse().unwrap()).collect() }
}

async fn serve() -> SocketAddr {
    let app = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/redirect", get(|| async { Redirect::temporary("/") }))
        .route("/full", get(|| async { vec![b'x'; MAX_BODY] }))
        .route("/over", get(|| async { vec![b'x'; MAX_BODY + 1] }))
        .route("/slow", get(|| async { tokio::time::sleep(Duration::from_secs(30)).await }))
        .route(
            "/drip",
            get(|| async {
                let drops = futures_util::stream::unfold((), |()| async {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    Some((Ok::<_, std::io::Error>("x"), ()))
                });
                axum::body::Body::from_stream(drops)
            }),
        );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

async fn fetch(fetcher: &Fetcher, url: &str) -> Result<FetchAnswer, FetchError> {
    let mut request = FetchRequest::get(url.parse().unwrap());
    request.timeout = Duration::from_millis(500);
    fetcher.send(request).await
}

#[test]
fn attempts_to_get_around_the_guard() {
    let fetcher = Fetcher::new(&settings(&[])).unwrap();
    let not_public = "127.0.0.1 127.1 0x7f.1 0x7f000001 2130706433 017700000001 0177.0.0.1 127.0.0.1. １２７.０.０.１ 127。0。0。1 \
         0 0.0.0.0 10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 100.127.255.255 \
         100.100.100.200 169.254.169.254 0xa9fea9fe 2852039166 168.63.129.16 192.0.0.192 192.0.2.1 \
         198.51.100.1 203.0.113.1 192.88.99.1 198.18.0.1 198.19.255.255 224.0.0.1 239.255.255.250 240.0.0.1 \
         255.255.255.255 [::] [::1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:8.8.8.8] [::127.0.0.1] \
         [0:0:0:0:0:ffff:a9fe:a9fe] [64:ff9b::7f00:1] [64:ff9b:1::a00:1] [100::1] [fe80::1] [fc00::1] \
         [fd00:ec2::254] [fec0::1] [ff02::1] [2001::1] [2001:db8::1] [2002:7f00:1::] [3fff::1] \
         %31%32%37.0.0.1 127.0.0.%31 ①②⑦.0.0.1 0x7F.0X0.0.1 00000177.0.0.1 127.0.1 0xc0a80101 0300.0250.1.1 \
         [::ffff:169.254.169.254] [::ffff:0:127.0.0.1] [64:ff9b::a9fe:a9fe] [2002:a9fe:a9fe::1] [2002:0a00:0001::] \
         [2001:0:4136:e378:8000:63bf:3fff:fdd2] [::ffff:100.64.0.1] [0000::1] [fe80::a9fe:a9fe] [5f00::1] [4000::1]";
    let judge = |url: &str| fetcher.destination(&url.parse().unwrap()).err();
    for host in not_public.split(' ') {
        assert_eq!(judge(&format!("https://{host}/")), Some(FetchError::NotPublic), "{host}");
        assert_eq!(judge(&format!("http://{host}/")), Some(FetchError::NotPublic), "{host}");
    }
    for (url, error) in [
        ("http://example.com/", FetchError::Scheme),
        ("ftp://example.com/", FetchError::Scheme),
        ("file:///etc/passwd", FetchError::Scheme),
        ("gopher://127.0.0.1:6379/_x", FetchError::Scheme),
        ("data:text/plain,x", FetchError::Scheme),
        ("https://user@example.com/", FetchError::Credentials),
        ("https://:password@example.com/", FetchError::Credentials),
        ("https://example.com@127.0.0.1/", FetchError::Credentials),
        ("https://example.com./", FetchError::Host),
        ("https://localhost./", FetchError::Host),
        ("https://example.com:22/", FetchError::Port(22)),
        ("https://example.com:25/", FetchError::Port(25)),
        ("https://8.8.8.8:25/", FetchError::NotPublic),
        ("https://127.0.0.1\\@example.com/", FetchError::NotPublic),
        // What the parser of addresses makes of them is what is checked and what is connected to.
        ("https:127.0.0.1/", FetchError::NotPublic),
        ("https:\\\\127.0.0.1/", FetchError::NotPublic),
        ("https:///127.0.0.1/", FetchError::NotPublic),
        ("https://127.0.0\t.1/", FetchError::NotPublic),
        ("https://127.0.0.1\n/", FetchError::NotPublic),
        ("https://127.0.0.1#@example.com/", FetchError::NotPublic),
        ("https://127.0.0.1?@example.com/", FetchError::NotPublic),
        ("https://169.254.169.254:8443/latest/meta-data/", FetchError::NotPublic),
        ("http://metadata.google.internal/", FetchError::Scheme),
        ("https://example.com:80/", FetchError::Port(80)),
        ("https://example.com:0/", FetchError::Port(0)),
        ("https://example.com:1023/", FetchError::Port(1023)),
        ("ws://example.com/", FetchError::Scheme),
        ("ldap://127.0.0.1:389/", FetchError::Scheme),
        ("jar:https://example.com/!/", FetchError::Scheme),
    ] {
        assert_eq!(judge(url), Some(error), "{url}");
    }
}

#[tokio::test]
async fn local_names_are_refused_when_they_are_resolved() {
    let fetcher = Fetcher::new(&settings(&[])).unwrap();
    for url in ["https://localhost/", "https://LOCALHOST:8443/"] {
        assert_eq!(fetch(&fetcher, url).await.err(), Some(FetchError::NotPublic), "{url}");
    }
}

#[test]
fn the_public_internet_is_let_through() {
    let public = "8.8.8.8 1.1.1.1 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.0.1.1 198.20.0.1 \
         223.255.255.255 2606:4700::1111 2a00:1450::1 2001:4860:4860::8888 2001:200::1 2620:fe::fe";
    for address in public.split(' ') {
        assert!(address::is_public(address.parse().unwrap()), "{address}");
    }
}

#[test]
fn allowed_networks() {
    for (text, address, port, has) in [
        ("127.0.0.1:8081", "127.0.0.1", 8081, true),
        ("127.0.0.1:8081", "::ffff:127.0.0.1", 8081, true),
        ("127.0.0.1:8081", "127.0.0.1", 8082, false),
        ("127.0.0.1:8081", "127.0.0.2", 8081, false),
        ("10.1.2.0/24", "10.1.2.255", 1, true),
        ("10.1.2.0/24", "10.1.3.0", 1, false),
        ("10.1.2.77/24", "10.1.2.1", 1, true),
        ("0.0.0.0/0", "10.0.0.1", 1, true),
        ("0.0.0.0/0", "::1", 1, false),
        ("::1", "::1", 443, true),
        ("[::1]:443", "::1", 444, false),
        ("[fd00::/8]:443", "fdff::1", 443, true),
        ("fd00::/8", "fe80::1", 443, false),
    ] {
        let network: AllowedNetwork = text.parse().unwrap();
        assert_eq!(network.has(address.parse().unwrap(), port), has, "{text} {address} {port}");
        assert_eq!(network.to_string().parse(), Ok(network));
    }
    for bad in [
        "",
        "x",
        "10.0.0.0/33",
        "::/129",
        "10.0.0.1:",
        "10.0.0.1:99999",
        "[::1",
        "[::1]8080",
        "10.0.0.0/-1",
        "localhost",
    ] {
        assert_eq!(bad.parse::<AllowedNetwork>(), Err(AllowedNetworkError), "{bad}");
    }
}

#[tokio::test]
async fn an_allowed_loopback_is_reached_on_its_port_only() {
    let (server, other) = (serve().await, serve().await);
    let fetcher = Fetcher::new(&settings(&[&server.to_string()])).unwrap();
    let answer = fetch(&fetcher, &format!("http://{server}/")).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (StatusCode::OK, b"hello".as_slice()));
    assert_eq!(fetch(&fetcher, &format!("http://{other}/")).await.err(), Some(FetchError::NotPublic));
    let by_name = fetch(&fetcher, &format!("http://localhost:{}/", other.port())).await;
    assert_eq!(by_name.err(), Some(FetchError::Scheme));
}

#[tokio::test]
async fn limits_hold() {
    let server = serve().await;
    let fetcher = Fetcher::new(&settings(&["127.0.0.0/8"])).unwrap();
    let get = |path: &'static str| {
        let (fetcher, url) = (&fetcher, format!("http://{server}{path}"));
        async move { fetch(fetcher, &url).await }
    };
    let redirect = get("/redirect").await.unwrap();
    assert_eq!(redirect.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(redirect.headers["location"], "/");
    assert_eq!(get("/full").await.unwrap().body.len(), MAX_BODY);
    assert_eq!(get("/over").await.err(), Some(FetchError::TooLarge));
    assert_eq!(get("/slow").await.err(), Some(FetchError::TimedOut));
    assert_eq!(get("/drip").await.err(), Some(FetchError::TimedOut));
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(fetch(&fetcher, &format!("http://{nobody}/")).await.err(), Some(FetchError::Unreachable));
}

/// What a hostile server sends, byte by byte: `once`, then `again` and again.
async fn hostile(once: &'static [u8], again: &'static [u8]) -> SocketAddr {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                // Whoever speaks before being asked is hung up on at once.
                if !matches!(stream.read(&mut [0; 4096]).await, Ok(1..)) {
                    return;
                }
                let mut sent = stream.write_all(once).await;
                while sent.is_ok() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    sent = stream.write_all(again).await;
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn hostile_servers() {
    assert_eq!((TIMEOUT, MAX_BODY), (Duration::from_secs(5), 1024 * 1024));
    // Sixty thousand zeros, packed: nobody unpacks them.
    const BOMB: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 93\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x31\x01\x00\x00\x00\xc2\xa0\xf5\x4f\x6d\x0d\x0f\xa0\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xbe\x0c\x05\xaa\x27\x51\x60\xea\x00\x00";
    const TRICKLE: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    type Case = (&'static str, &'static [u8], &'static [u8], Result<usize, FetchError>);
    let cases: [Case; 8] = [
        ("says nothing", b"", b"", Err(FetchError::TimedOut)),
        ("its headers never end", b"HTTP/1.1 200 OK\r\nx: ", b"x", Err(FetchError::TimedOut)),
        ("its chunks never end", TRICKLE, b"1\r\nx\r\n", Err(FetchError::TimedOut)),
        ("announces too much", b"HTTP/1.1 200 OK\r\ncontent-length: 1048577\r\n\r\n", b"x", Err(FetchError::TooLarge)),
        ("announces less than it sends", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", b"more", Ok(2)),
        ("packs a bomb", BOMB, b"", Ok(93)),
        ("speaks something else", b"220 mail.example ESMTP\r\n", b"", Err(FetchError::Unreachable)),
        (
            "leads elsewhere",
            b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n",
            b"",
            Ok(0),
        ),
    ];
    let fetcher = Fetcher::new(&settings(&["127.0.0.0/8"])).unwrap();
    for (what, once, again, expected) in cases {
        let address = hostile(once, again).await;
        let answer = fetch(&fetcher, &format!("http://{address}/")).await;
        assert_eq!(answer.map(|answer| answer.body.len()), expected, "{what}");
    }
}

/// A name server under an attacker's hand: allowed at first, then not; and names with a good and a bad address.
fn attackers_names(name: String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let addresses: &[&str] = match name.as_str() {
        "rebinding.test" if ASKED.fetch_add(1, Ordering::Relaxed) == 0 => &["127.0.0.1"],
        "rebinding.test" | "inner.test" => &["127.0.0.2"],
        "mixed.test" => &["127.0.0.1", "169.254.169.254"],
        "mapped.test" => &["::ffff:10.0.0.1"],
        _ => &[],
    };
    Box::pin(ready(Ok(addresses.iter().map(|address| address.parse().unwrap()).collect())))
}

#[tokio::test]
async fn a_name_is_checked_each_time_it_is_connected_to() {
    let server = serve().await;
    let fetcher = Fetcher::with_names(&settings(&["127.0.0.1"]), attackers_names).unwrap();
    let get = |name: &'static str| {
        let (fetcher, url) = (&fetcher, format!("http://{name}:{}/redirect", server.port()));
        async move { fetch(fetcher, &url).await.map(|answer| answer.status) }
    };
    assert_eq!(get("rebinding.test").await, Ok(StatusCode::TEMPORARY_REDIRECT));
    // Without the connection that is still open, the name is asked for again.
    fetcher.clients.lock().unwrap().clear();
    for name in ["rebinding.test", "inner.test", "mixed.test", "mapped.test"] {
        assert_eq!(get(name).await, Err(FetchError::NotPublic), "{name}");
    }
    assert_eq!(get("unknown.test").await, Err(FetchError::Unreachable));
}

#[test]
fn a_ca_file_must_hold_certificates() {
    let missing = OutboundSettings { ca_file: Some("/nonexistent.pem".into()), allow: vec![] };
    assert!(matches!(Fetcher::new(&missing), Err(FetchSetupError::Read { .. })));
    let not_pem =
        OutboundSettings { ca_file: Some(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").into()), allow: vec![] };
    assert!(matches!(Fetcher::new(&not_pem), Err(FetchSetupError::Certificates(_))));
}
