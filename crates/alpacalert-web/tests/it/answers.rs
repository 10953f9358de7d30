//! How pages are answered: to whom, with what besides, and at what cost.

use std::time::Duration;

use alpacalert::config::{AccessPlan, Anonymous, ServePlan};
use alpacalert::model::State;
use alpacalert_web::{Access, access::token};

use crate::access::rules;
use crate::canvas::{Canvas, crowd, page_of, sensor, service, shop};

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
async fn an_instance_that_ends_says_so_on_a_page() {
    let mut canvas = Canvas::new(shop(State::Passing)).await;
    canvas.end().await;
    let answer = canvas.get("/").await;
    assert_eq!(answer.status, 503);
    assert!(answer.head.contains("retry-after: 5"), "{}", answer.head);
    assert!(answer.body.contains("shutting down"), "{}", answer.body);
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
async fn whoever_looks_after_a_change_sees_it_however_many_look() {
    let canvas = Canvas::new(shop(State::Passing)).await;
    canvas.until("/", "services work").await;
    let mut failing = false;
    for path in ["/", "/public", "/", "/public", "/", "/public"] {
        // Somebody else has just looked.
        canvas.get(path).await;
        failing = !failing;
        canvas.paint(shop(if failing {
            State::Failing
        } else {
            State::Passing
        }));
        for _ in 0..1000 {
            let services = canvas.live.query(move |graph| {
                let bad = graph.services().any(|node| node.state() == State::Failing);
                bad == failing
            });
            if services.await == Some(true) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let begun = std::time::Instant::now();
        let page = canvas.get(path).await.body;
        assert_eq!(
            page.contains("s-failing\" id=\"verdict\""),
            failing,
            "{path}: {page}"
        );
        assert!(
            begun.elapsed() < Duration::from_secs(1),
            "{:?}",
            begun.elapsed()
        );
    }
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
        // These two are kept, and are made anew for whoever asks two seconds later.
        let (pause, looks) = match path {
            "/" | "/public" => (Duration::from_millis(2_050), 5),
            _ => (Duration::from_millis(20), 15),
        };
        let mut times = Vec::new();
        let mut kept: Vec<f64> = Vec::new();
        let mut size = 0;
        let look = async || {
            let start = std::time::Instant::now();
            let size = canvas.get(path).await.body.len();
            (start.elapsed().as_secs_f64() * 1000.0, size)
        };
        for _ in 0..looks {
            tokio::time::sleep(pause).await;
            let (took, bytes) = look().await;
            times.push(took);
            size = bytes;
            kept.push(look().await.0);
        }
        times.sort_by(f64::total_cmp);
        kept.sort_by(f64::total_cmp);
        println!(
            "{sensors} sensors, {path}: median {:.1} ms, worst {:.1} ms; asked again at once {:.1} ms; {size} bytes",
            times[looks / 2],
            times[looks - 1],
            kept[looks / 2]
        );
        assert!(size < 100_000, "{path} has {size} bytes");
        if !cfg!(debug_assertions) && path == "/" {
            assert!(times[looks / 2] < 50.0, "{path} takes {times:?} ms");
        }
    }
}
