//! How an instance is reached: limits, slow clients, and pages of other sites.

use std::time::{Duration, Instant};

use alpacalert::config::{LimitsPlan, ServePlan};
use alpacalert_web::Policy;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::access::{bearer, is_stream, rules, shop_and_vault, shop_and_vault_served};
use crate::world::World;

fn limited(limits: LimitsPlan) -> ServePlan {
    ServePlan {
        limits,
        ..ServePlan::default()
    }
}

const LIVE: &str = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";

async fn connect(world: &World) -> TcpStream {
    TcpStream::connect(world.address).await.unwrap()
}

/// What comes until the other side closes, and how long that took.
async fn rest(stream: &mut TcpStream) -> (String, Duration) {
    let start = Instant::now();
    let mut read = Vec::new();
    let reading = stream.read_to_end(&mut read);
    let ended = tokio::time::timeout(Duration::from_secs(40), reading).await;
    // A reset is an end too.
    let _ = ended.expect("it is closed");
    (String::from_utf8_lossy(&read).into_owned(), start.elapsed())
}

#[tokio::test]
async fn there_is_a_place_for_so_many_connections_and_no_more() {
    let serve = limited(LimitsPlan {
        connections: Some(20),
        connections_per_address: Some(5),
        ..LimitsPlan::default()
    });
    let world = shop_and_vault_served(&rules(), &serve).await;
    let mut open = Vec::new();
    for _ in 0..5 {
        let mut stream = connect(&world).await;
        stream.write_all(LIVE.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");
        open.push(stream);
    }
    let mut refused = connect(&world).await;
    refused.write_all(LIVE.as_bytes()).await.unwrap();
    let (said, took) = rest(&mut refused).await;
    assert!(said.starts_with("HTTP/1.1 503"), "{said}");
    assert!(said.contains("Retry-After: 5\r\n"), "{said}");
    let (head, body) = said.split_once("\r\n\r\n").unwrap();
    let length = format!("Content-Length: {}", body.len());
    assert!(head.contains(&length), "{said}");
    assert!(took < Duration::from_secs(2), "{took:?}");
    drop(open);
    for _ in 0..100 {
        let mut again = connect(&world).await;
        let _ = again
            .write_all(
                LIVE.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
                    .as_bytes(),
            )
            .await;
        if rest(&mut again).await.0.starts_with("HTTP/1.1 200") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("places are not given back");
}

#[tokio::test]
async fn an_address_may_ask_so_often_and_no_more() {
    let serve = limited(LimitsPlan {
        requests_per_second: Some(2),
        ..LimitsPlan::default()
    });
    let world = shop_and_vault(&rules()).await;
    world.serving.replace(&serve).unwrap();
    let mut statuses = Vec::new();
    for _ in 0..12 {
        let answer = world.get("/livez").await;
        if answer.status == 429 {
            assert!(answer.head.contains("retry-after: 1"), "{}", answer.head);
        }
        statuses.push(answer.status);
    }
    assert_eq!(statuses[..8], [200; 8]);
    assert!(statuses[8..].contains(&429), "{statuses:?}");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(world.get("/livez").await.status, 200);
}

#[tokio::test]
async fn slow_and_idle_clients_are_cut_off() {
    let world = shop_and_vault(&rules()).await;
    let silent = async {
        let mut stream = connect(&world).await;
        rest(&mut stream).await.1
    };
    let dripping = async {
        let mut stream = connect(&world).await;
        let (mut read, mut write) = stream.split();
        let drip = async {
            for byte in LIVE.trim_end().bytes().cycle() {
                if write.write_all(&[byte]).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        let start = Instant::now();
        let mut said = Vec::new();
        let reading = read.read_to_end(&mut said);
        tokio::select! { _ = reading => {}, () = drip => {} }
        start.elapsed()
    };
    let idle_after_a_request = async {
        let mut stream = connect(&world).await;
        stream.write_all(LIVE.as_bytes()).await.unwrap();
        let (said, took) = rest(&mut stream).await;
        assert!(said.starts_with("HTTP/1.1 200"), "{said}");
        took
    };
    let slow_body = async {
        let mut stream = connect(&world).await;
        let head = "POST /logout HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\nConnection: close\r\n\r\nx";
        stream.write_all(head.as_bytes()).await.unwrap();
        rest(&mut stream).await.1
    };
    let (silent, dripping, idle, body) =
        tokio::join!(silent, dripping, idle_after_a_request, slow_body);
    for (which, took) in [
        ("silent", silent),
        ("dripping", dripping),
        ("idle", idle),
        ("body", body),
    ] {
        assert!(took < Duration::from_secs(13), "{which}: {took:?}");
    }
}

#[tokio::test]
async fn pages_of_other_sites_may_not_ask() {
    let world = shop_and_vault(&rules()).await;
    let routes = alpacalert_web::routes(world.live.clone(), world.access.clone());
    let here = format!("http://{}", world.address);
    for (route, policy) in routes.routes() {
        let path = route
            .replace("{name}", "shop")
            .replace("{*id}", "x")
            .replace("{*rest}", "x");
        for method in ["GET", "POST", "PUT", "DELETE", "OPTIONS"] {
            let headers = format!("Origin: https://evil.example\r\n{}", bearer("all"));
            let answer = world.ask(method, &path, &headers).await;
            assert_eq!(answer.status, 403, "{method} {path}");
            assert!(!answer.head.contains("access-control-"), "{}", answer.head);
        }
        if is_stream(route) || *policy == Policy::Push {
            continue;
        }
        let headers = format!("Origin: {here}\r\n{}", bearer("all"));
        let own = world.get_with(&path, &headers).await;
        assert_ne!(own.status, 403, "{path}");
        assert!(!own.head.contains("access-control-"), "{}", own.head);
    }
    let post = |site: &str| format!("Sec-Fetch-Site: {site}\r\n");
    assert_eq!(
        world
            .ask("POST", "/logout", &post("cross-site"))
            .await
            .status,
        403
    );
    assert_eq!(
        world
            .ask("POST", "/logout", &post("same-origin"))
            .await
            .status,
        303
    );
}

#[tokio::test]
async fn every_answer_has_the_headers_that_protect_a_browser() {
    let world = shop_and_vault(&rules()).await;
    for (path, headers) in [
        ("/livez", ""),
        ("/api/v1/services", ""),
        ("/api/v1/nodes", ""),
        ("/nowhere", ""),
        ("/livez", "Origin: https://evil.example\r\n"),
        ("/livez", "Host: evil.example\r\n"),
    ] {
        let head = world.get_with(path, headers).await.head;
        for expected in [
            "content-security-policy: default-src 'none'",
            "x-content-type-options: nosniff",
            "x-frame-options: deny",
            "referrer-policy: same-origin",
            "cross-origin-opener-policy: same-origin",
            "cross-origin-resource-policy: same-origin",
            "vary: authorization, cookie",
        ] {
            assert!(
                head.contains(expected),
                "{path} {headers} lacks {expected}: {head}"
            );
        }
        assert!(!head.contains("strict-transport-security"), "{head}");
        assert!(!head.contains("set-cookie"), "{head}");
    }
    let https = ServePlan {
        url: Some("https://status.example.com".to_owned()),
        ..ServePlan::default()
    };
    world.serving.replace(&https).unwrap();
    let head = world.get("/livez").await.head;
    assert!(
        head.contains("strict-transport-security: max-age="),
        "{head}"
    );
}

/// Ways out of a folder, as they were tried on others.
fn ways_out() -> Vec<String> {
    const UP: [&str; 12] = [
        "../",
        "..%2f",
        "%2e%2e/",
        "%2e%2e%2f",
        "..%5c",
        "..\\",
        "%252e%252e%252f",
        "..;/",
        "..%c0%af",
        "....//",
        "%2e%2e%5c",
        "..%00/",
    ];
    const TARGETS: [&str; 4] = ["etc/passwd", "proc/self/environ", "alpacalert.yaml", ""];
    let mut ways = Vec::new();
    for up in UP {
        for depth in [1, 3, 8] {
            for target in TARGETS {
                ways.push(format!("{}{target}", up.repeat(depth)));
            }
        }
    }
    ways
}

#[tokio::test]
async fn no_path_leads_out_of_what_is_served() {
    let world = shop_and_vault(&rules()).await;
    let routes = alpacalert_web::routes(world.live.clone(), world.access.clone());
    let mut tried = 0;
    for (route, policy) in routes.routes() {
        // What is expected nowhere is refused, with any token, before anybody looks at its name.
        let is_push = *policy == Policy::Push;
        let base = route
            .split('{')
            .next()
            .unwrap_or_default()
            .trim_end_matches('/');
        let ways = ways_out();
        // Over one connection: it is a thousand requests.
        let mut stream = connect(&world).await;
        for way in &ways {
            let path = format!("{base}/{way}").replace(' ', "%20");
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
                bearer("all")
            );
            stream.write_all(request.as_bytes()).await.unwrap();
            let (status, body) = one_answer(&mut stream).await;
            assert!(
                [400, 404].contains(&status) || is_push && [403, 405].contains(&status),
                "{path} answers {status}: {body}"
            );
            assert!(
                !body.contains("root:x") && !body.contains("PATH="),
                "{path}: {body}"
            );
            tried += 1;
        }
    }
    assert!(tried >= 1000, "{tried}");
}

/// One answer of a connection that stays open.
async fn one_answer(stream: &mut TcpStream) -> (u16, String) {
    let mut seen = Vec::new();
    loop {
        let mut some = [0; 4096];
        let read = stream.read(&mut some).await.unwrap();
        assert!(
            read > 0,
            "it was closed: {}",
            String::from_utf8_lossy(&seen)
        );
        seen.extend_from_slice(&some[..read]);
        let text = String::from_utf8_lossy(&seen).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.to_lowercase();
        let length = length
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        if body.len() >= length.unwrap_or(0) {
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            return (status, body.to_owned());
        }
    }
}
