//! The pages, as they are sent.

use std::time::Duration;

use alpacalert::config::{AccessPlan, Anonymous, ServePlan};
use alpacalert::model::State;
use alpacalert_testkit::temp_dir;
use alpacalert_web::{Access, access::token};

use crate::access::rules;
use crate::canvas::{Canvas, crowd, page_of, sensor, service, shop};

/// Every page of an operator.
pub(crate) fn every_page() -> Vec<String> {
    let fixed = [
        "/",
        "/public",
        "/tree",
        "/nodes",
        "/nodes?q=queue",
        "/past",
        "/itself",
        "/?wall",
    ];
    let mut pages: Vec<String> = fixed.map(str::to_owned).into();
    pages.extend(["checkout", "queue-orders", "shelf"].map(page_of));
    pages.push("/tree?node=painted/example.org/Thing/checkout".to_owned());
    pages
}

/// The text of a page without its tags, every run of white space as one space.
fn text(html: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                out.push(' ');
            }
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn the_board_says_what_is_wrong_whose_it_is_and_what_it_takes_down() {
    let canvas = Canvas::new(shop(State::Failing)).await;
    let board = text(&canvas.until("/", "are failing</h1>").await.body);
    assert!(board.contains("3 services are failing"), "{board}");
    assert!(board.contains("queue-orders (infrastructure team) : queue orders is missing on rabbit-7.internal · holds 3 services"), "{board}");
    let checkout = board.split("Checkout").nth(1).unwrap();
    assert!(
        checkout.contains("Not ours: Message queue (infrastructure team): queue orders is missing"),
        "{checkout}"
    );
    let queue = board
        .find("Message queue public")
        .or_else(|| board.find("Message queue Ours"))
        .unwrap();
    assert!(
        queue < board.find("Bookkeeping").unwrap(),
        "what takes down most comes first: {board}"
    );
    assert!(board.contains("takes down 2 others"), "{board}");
}

#[tokio::test]
async fn what_is_left_of_several_is_named_when_one_more_failure_takes_it_down() {
    let mut nodes = shop(State::Passing);
    for (node, _) in &mut nodes {
        if node.title.as_ref() == "database" {
            node.role = alpacalert::model::Role::System {
                rule: alpacalert::model::Rule::Any,
                degraded_below: Some(2),
            };
        }
    }
    nodes.retain(|(node, _)| node.title.as_ref() != "db-1");
    nodes.push(sensor("db-1", State::Failing, "connection refused"));
    let canvas = Canvas::new(nodes).await;
    let board = text(&canvas.until("/", "is degraded</h1>").await.body);
    assert!(
        board.contains("One more failure takes it down: db-2"),
        "{board}"
    );
    canvas.paint(shop(State::Passing));
    let board = text(&canvas.until("/", "services work</h1>").await.body);
    assert!(!board.contains("One more failure"), "{board}");
}

#[tokio::test]
async fn the_public_face_tells_nothing_of_what_is_inside() {
    let canvas = Canvas::new(shop(State::Failing)).await;
    let page = canvas.until("/public", "Checkout is down").await.body;
    for secret in [
        "Message queue",
        "queue",
        "rabbit",
        "infrastructure",
        "db-1",
        "Bookkeeping",
        "10.1.2.3",
        "example.org",
        "shelf",
    ] {
        assert!(
            !page.contains(secret),
            "the public page tells {secret}: {page}"
        );
    }
    let page = text(&page);
    assert!(page.contains("Browsing"), "{page}");
    assert!(page.contains("failing for"), "{page}");
    // Once the queue is public too, it may be named.
    let mut nodes = shop(State::Failing);
    nodes.retain(|(node, _)| &**node.id.reference() != "queue");
    nodes.push(service(
        "queue",
        "Message queue",
        true,
        "infrastructure team",
        &["queue-port", "queue-orders"],
    ));
    canvas.paint(nodes);
    let page = text(&canvas.until("/public", "Message queue").await.body);
    assert!(
        page.contains("Because of Message queue (infrastructure team)"),
        "{page}"
    );
    assert!(!page.contains("rabbit"), "{page}");
}

#[tokio::test]
async fn every_page_is_small_whole_and_has_a_twin() {
    let canvas = Canvas::new(shop(State::Failing)).await;
    canvas.until("/", "are failing</h1>").await;
    for path in every_page() {
        let page = canvas.get(&path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        assert!(
            page.head.contains("content-type: text/html; charset=utf-8"),
            "{path}"
        );
        assert!(
            page.head
                .contains("content-security-policy: default-src 'none'"),
            "{path}"
        );
        assert!(
            page.body.len() < 100_000,
            "{path} has {} bytes",
            page.body.len()
        );
        assert!(page.body.ends_with("</html>"), "{path}");
        for inline in [
            " style=",
            "<style",
            "<script>",
            " onclick=",
            " onload=",
            "javascript:",
        ] {
            assert!(!page.body.contains(inline), "{path} has {inline}");
        }
        assert_eq!(page.body.matches(" id=\"main\"").count(), 1, "{path}");
        let ids: Vec<&str> = page
            .body
            .split(" id=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        let once: std::collections::HashSet<&&str> = ids.iter().collect();
        assert_eq!(ids.len(), once.len(), "{path} has an id twice: {ids:?}");
        let twin = page
            .body
            .split("rel=\"alternate\" type=\"application/json\" href=\"")
            .nth(1)
            .unwrap();
        let twin = twin.split('"').next().unwrap().replace("&amp;", "&");
        let json = canvas.get(&twin).await;
        // Without a store there is nothing to tell of the past.
        assert!(
            json.status == 200 || path == "/past",
            "{path}: {twin} says {}",
            json.status
        );
        assert!(
            json.head.contains("content-type: application/json"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn who_has_the_page_already_is_told_so() {
    let canvas = Canvas::new(vec![
        service("a", "A service", true, "", &["b"]),
        sensor("b", State::Passing, ""),
    ])
    .await;
    canvas.until("/", "A service").await;
    // Ages of seconds change each second; those of minutes do not.
    for _ in 0..20 {
        let first = canvas.get("/public").await;
        let etag = first
            .head
            .lines()
            .find_map(|line| line.strip_prefix("etag: "))
            .unwrap();
        let known = format!("If-None-Match: {etag}\r\n");
        let again = canvas.get_with("/public", &known).await;
        if again.status == 304 {
            assert_eq!(again.body, "");
            let dark = format!("{known}Cookie: alpacalert-theme=dark\r\n");
            assert_eq!(
                canvas.get_with("/public", &dark).await.status,
                200,
                "other colours are another page"
            );
            return;
        }
    }
    panic!("the page is never the same");
}

#[tokio::test]
async fn what_is_wrong_is_said_on_a_page() {
    let canvas = Canvas::new(shop(State::Passing)).await;
    for (path, status, said) in [
        ("/nowhere", 404, "There is nothing here"),
        ("/node?id=nothing", 404, "there is no node"),
        ("/node", 404, "there is no node"),
        ("/tree?node=%00", 404, "there is no node"),
        ("/nodes?state=fine", 400, "`state` takes passing"),
        ("/?at=yesterday", 400, "`at` takes a moment"),
        ("/?at=2999-01-01T00:00:00Z", 400, "that is over"),
        ("/?at=2020-01-01T00:00:00Z", 404, "keeps no history"),
        ("/assets/nothing.css", 404, "no such file"),
    ] {
        let answer = canvas.get(path).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(
            answer.head.contains("content-type: text/html"),
            "{path}: {}",
            answer.head
        );
        assert!(answer.body.contains(said), "{path}: {}", answer.body);
        assert!(
            answer.body.contains("page.css"),
            "{path} looks like the others"
        );
    }
}

#[tokio::test]
async fn colours_are_remembered_and_lead_nowhere_else() {
    let canvas = Canvas::new(shop(State::Passing)).await;
    for (query, back) in [
        ("to=dark&back=/tree?node=a", "/tree?node=a"),
        ("to=dark&back=//evil.example/", "/"),
        ("to=dark&back=/%5Cevil.example/", "/"),
        ("to=dark&back=https://evil.example/", "/"),
        ("to=dark&back=/a%0D%0AX-Evil:%201", "/"),
        ("to=dark", "/"),
    ] {
        let answer = canvas.get(&format!("/theme?{query}")).await;
        assert_eq!(answer.status, 303, "{query}");
        assert!(
            answer.head.contains(&format!("location: {back}\r\n")),
            "{query}: {}",
            answer.head
        );
        assert!(
            answer.head.contains("set-cookie: alpacalert-theme=dark; "),
            "{query}: {}",
            answer.head
        );
        assert!(!answer.head.contains("x-evil"), "{query}");
    }
    let dark = canvas
        .get_with("/", "Cookie: a=b; alpacalert-theme=dark\r\n")
        .await;
    assert!(dark.body.contains("data-theme=\"dark\""), "{}", dark.body);
    let evil = canvas
        .get_with("/", "Cookie: alpacalert-theme=\"><script>\r\n")
        .await;
    assert!(!evil.body.contains("data-theme"), "{}", evil.body);
}

#[tokio::test]
async fn any_node_is_found_by_what_it_is_called_and_by_what_it_says() {
    let canvas = Canvas::new(shop(State::Failing)).await;
    canvas.until("/", "are failing</h1>").await;
    for (query, total) in [
        ("q=rabbit-7", "1 node of"),
        ("q=RABBIT", "1 node of"),
        ("q=message+queue", "1 node of"),
        ("q=infrastructure", "3 nodes of"),
        ("q=example.org/thing", "130 nodes, page 1 of 3"),
        ("q=nothing-like-it", "0 nodes of"),
        ("state=failing", "4 nodes of"),
        ("state=failing&services=true", "3 services of"),
        ("owner=office", "1 node of"),
        ("kind=example.org/Thing&q=shelf-1", "31 nodes of"),
        ("source=painted&state=failing&q=books", "1 node of"),
    ] {
        let page = canvas.get(&format!("/nodes?{query}")).await;
        assert!(
            text(&page.body).contains(total),
            "{query}: {}",
            text(&page.body)
        );
    }
    let mut seen = std::collections::HashSet::new();
    let mut path = "/nodes?kind=example.org/Thing".to_owned();
    loop {
        let page = canvas.get(&path).await;
        for row in page.body.split("/node?id=").skip(1) {
            seen.insert(row.split('"').next().unwrap().to_owned());
        }
        let Some(next) = page.body.split("rel=\"next\" href=\"").nth(1) else {
            break;
        };
        path = next.split('"').next().unwrap().replace("&amp;", "&");
    }
    assert_eq!(seen.len(), 130, "every node is on one of the pages");
}

#[tokio::test]
async fn the_tree_unfolds_what_is_wrong_and_pages_what_is_long() {
    let canvas = Canvas::new(shop(State::Failing)).await;
    canvas.until("/tree", "queue-orders").await;
    let tree = canvas.get("/tree").await.body;
    assert!(!tree.contains(">shelf-1<"), "what is healthy is folded");
    let browsing = tree.split("Browsing").next().unwrap();
    let unfold = browsing
        .rsplit("href=\"")
        .next()
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let tree = canvas.get(&unfold.replace("&amp;", "&")).await.body;
    assert!(tree.contains(">shelf<"), "{tree}");
    let whole = canvas
        .get("/tree?node=painted/example.org/Thing/shelf")
        .await
        .body;
    assert!(whole.contains("and 70 more"), "{whole}");
    let more = whole
        .split("class=\"more\" href=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let rest = canvas.get(&more.replace("&amp;", "&")).await.body;
    assert!(
        rest.contains("and 20 more") && rest.contains("aria-posinset=\"51\""),
        "{rest}"
    );
}

#[tokio::test]
async fn a_moment_of_the_past_is_drawn_as_the_present_is() {
    let folder = temp_dir();
    let canvas = Canvas::remembering(shop(State::Failing), folder.path()).await;
    canvas.until("/", "are failing</h1>").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let then = jiff::Timestamp::now();
    tokio::time::sleep(Duration::from_millis(300)).await;
    canvas.paint(shop(State::Passing));
    canvas.until("/", "services work</h1>").await;
    canvas.store.as_ref().unwrap().flush().await.unwrap();
    for (path, said) in [
        (format!("/?at={then}"), "3 services are failing"),
        (
            format!("{}&at={then}", page_of("checkout")),
            "Checkout is failing",
        ),
        (format!("/tree?at={then}"), "queue orders is missing"),
        (format!("/nodes?state=failing&at={then}"), "4 nodes of"),
    ] {
        let page = text(&canvas.get(&path).await.body);
        assert!(page.contains(said), "{path}: {page}");
        assert!(page.contains("As it was at"), "{path}: {page}");
    }
    let page = canvas.get(&format!("/?at={then}")).await.body;
    assert!(
        page.contains("at=20") && !page.contains("data-events"),
        "links stay there, and nothing is live: {page}"
    );
    let now = text(&canvas.get(&page_of("queue-orders")).await.body);
    assert!(
        now.contains("failing → passing") && now.contains("up "),
        "{now}"
    );
    let past = text(&canvas.get("/past").await.body);
    assert!(
        past.contains("Checkout passing → failing") || past.contains("Checkout failing"),
        "{past}"
    );
    let public = text(&canvas.get("/public").await.body);
    assert!(
        public.contains("Past incidents") && public.contains("Checkout failing for"),
        "{public}"
    );
    assert!(!public.contains("rabbit"), "{public}");
}

#[tokio::test]
async fn a_configuration_that_is_refused_is_said() {
    let canvas = Canvas::new(shop(State::Passing)).await;
    canvas.config.send_modify(|config| {
        config.rejected = Some(alpacalert_web::Rejected {
            at: jiff::Timestamp::now(),
            problem: "error: unknown key <b>".to_owned(),
        });
    });
    let page = canvas.get("/itself").await.body;
    assert!(page.contains("The newest configuration is wrong"), "{page}");
    assert!(page.contains("unknown key &lt;b&gt;"), "{page}");
    for said in [
        "Lateness",
        "Measurements that wait",
        "painted",
        "keeps no history",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
}

#[tokio::test]
async fn everybody_sees_a_page_that_is_theirs() {
    let plan = AccessPlan {
        anonymous: Anonymous::Services,
        ..rules()
    };
    let canvas = Canvas::with(
        shop(State::Failing),
        Access::new(Some(&plan), &ServePlan::default()),
        None,
    )
    .await;
    let all = "Authorization: Bearer all\r\n";
    for _ in 0..200 {
        if canvas.get_with("/", all).await.body.contains("3 services") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let anybody = canvas.get("/").await;
    assert_eq!(anybody.status, 200);
    assert!(
        anybody.body.contains("Checkout is down") && !anybody.body.contains("rabbit"),
        "{}",
        anybody.body
    );
    assert!(
        !anybody.body.contains("/tree"),
        "nothing leads where they may not go"
    );
    let accept = "Accept: text/html,*/*\r\n";
    for path in ["/tree", "/nodes", "/itself", "/past", "/node?id=x"] {
        let refused = canvas.get_with(path, accept).await;
        assert_eq!(refused.status, 401, "{path}");
        assert!(
            refused.head.contains("www-authenticate: bearer"),
            "{path}: {}",
            refused.head
        );
        assert!(
            refused.body.contains("Who are you?"),
            "{path}: {}",
            refused.body
        );
        let machine = canvas.get(path).await;
        assert!(
            machine.head.contains("application/json"),
            "{path}: {}",
            machine.head
        );
    }
    let past = canvas.get("/?at=2020-01-01T00:00:00Z").await;
    assert_eq!(
        past.status, 200,
        "everybody sees the present, whatever they ask for"
    );
    let causes = AccessPlan {
        anonymous: Anonymous::Causes,
        ..rules()
    };
    let open = Canvas::with(
        shop(State::Failing),
        Access::new(Some(&causes), &ServePlan::default()),
        None,
    )
    .await;
    open.until("/", "rabbit-7").await;
    assert_eq!(token::hash("all"), plan.tokens[0].hash);
}

/// What views cost, beside a request that does nothing. Long form: `ALPACALERT_PAGE_SENSORS=100000`, in a release build.
#[tokio::test(flavor = "multi_thread")]
async fn a_view_costs_no_more_with_more_sensors_behind_it() {
    let sensors = std::env::var("ALPACALERT_PAGE_SENSORS").ok();
    let sensors: usize = sensors.and_then(|n| n.parse().ok()).unwrap_or(1_000);
    let canvas = Canvas::new(crowd(sensors)).await;
    canvas.until("/", "services are failing").await;
    for path in [
        "/livez",
        "/",
        "/public",
        "/tree",
        "/nodes",
        "/nodes?q=sensor-77-7",
        &page_of("service-8"),
    ] {
        let mut times = Vec::new();
        let mut size = 0;
        for _ in 0..15 {
            // Longer than a board is kept, so that each is made anew.
            tokio::time::sleep(Duration::from_millis(200)).await;
            let start = std::time::Instant::now();
            size = canvas.get(path).await.body.len();
            times.push(start.elapsed().as_secs_f64() * 1000.0);
        }
        times.sort_by(f64::total_cmp);
        println!(
            "{sensors} sensors, {path}: median {:.1} ms, worst {:.1} ms, {size} bytes",
            times[7], times[14]
        );
        assert!(size < 100_000, "{path} has {size} bytes");
        if !cfg!(debug_assertions) && path == "/" {
            assert!(times[7] < 50.0, "{path} takes {times:?} ms");
        }
    }
}
