//! The pages in a real browser: what changes by itself, what keys do, and what those need who cannot see or have no script.

use std::time::{Duration, Instant};

use alpacalert::model::State;
use alpacalert_testkit::{Browser, SharedBrowser, npm_package, temp_dir};
use serde_json::Value;

use crate::canvas::{Canvas, page_of, sensor, service, shop};
use crate::pages::every_page;

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_is_shown_without_a_reload() {
    let Some(shared) = SharedBrowser::get() else {
        return;
    };
    let canvas = Canvas::new(shop(State::Passing)).await;
    canvas.until("/", "services work").await;
    let browser = shared.window();
    browser.go(&canvas.url("/"));
    browser.wait("document.querySelector('#live').dataset.live === 'yes'");
    browser
        .run("window.same = true; document.querySelector('#rows-well li').dataset.mark = 'kept'");
    let start = Instant::now();
    canvas.paint(shop(State::Failing));
    browser.wait("document.querySelector('h1').innerText.includes('3 services are failing')");
    let took = start.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(
        browser.run("return window.same"),
        true,
        "it is the same document"
    );
    assert!(
        browser
            .run("return document.title")
            .as_str()
            .unwrap()
            .starts_with("3 failing")
    );
    browser.wait("document.querySelector('#said').textContent.includes('is failing')");
    assert_eq!(
        browser.text("#rows-unwell .row h3").lines().next(),
        Some("Message queue")
    );
    canvas.paint(shop(State::Passing));
    browser.wait("document.querySelector('h1').innerText.includes('services work')");
    assert_eq!(
        browser.run("return document.querySelectorAll('#rows-unwell').length"),
        0
    );
    assert_eq!(problems(&browser), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_not_live_says_so_and_becomes_live_again() {
    let Some(shared) = SharedBrowser::get() else {
        return;
    };
    let mut canvas = Canvas::new(shop(State::Passing)).await;
    canvas.until("/", "services work").await;
    let browser = shared.window();
    browser.go(&canvas.url("/"));
    browser.wait("document.querySelector('#live').innerText.startsWith('live')");
    canvas.hang_up().await;
    let start = Instant::now();
    browser.wait("document.documentElement.hasAttribute('data-stale')");
    let took = start.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert!(
        browser.text("#stale").starts_with("Not live since"),
        "{}",
        browser.text("#stale")
    );
    assert_eq!(browser.text("#live"), "not live");
    let grey = browser.run("return getComputedStyle(document.querySelector('main')).filter");
    assert_eq!(grey, "grayscale(1)", "nothing old is green");
    canvas.paint(shop(State::Failing));
    canvas.serve().await;
    browser.wait("!document.documentElement.hasAttribute('data-stale')");
    browser.wait("document.querySelector('h1').innerText.includes('3 services are failing')");
    assert_eq!(browser.text("#stale"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tree_is_walked_with_keys_and_its_address_remembers() {
    let Some(shared) = SharedBrowser::get() else {
        return;
    };
    let canvas = Canvas::new(shop(State::Failing)).await;
    canvas.until("/tree", "queue orders is missing").await;
    let browser = shared.window();
    browser.go(&canvas.url("/tree"));
    let focused =
        || browser.run("return document.activeElement.querySelector?.('.name')?.innerText ?? ''");
    let rows = "document.querySelectorAll('#tree [role=treeitem]').length";
    let before = browser.run(&format!("return {rows}"));
    // One of the rows can be reached with the tab key.
    assert_eq!(
        browser.run("return document.querySelectorAll('#tree [tabindex=\"0\"]').length"),
        1
    );
    browser.run("document.querySelector('#tree [tabindex=\"0\"]').focus()");
    let first = focused();
    browser.keys(Browser::DOWN);
    assert_ne!(focused(), first);
    browser.keys(Browser::UP);
    assert_eq!(focused(), first);
    browser.keys(Browser::LEFT);
    browser.wait(&format!("{rows} < {before}"));
    browser.wait("location.search.includes('fold=')");
    assert_eq!(focused(), first, "the focus stays");
    browser.keys(Browser::RIGHT);
    browser.wait(&format!("{rows} == {before}"));
    // By hand, and after a reload.
    browser.run("[...document.querySelectorAll('#tree .branch')].find(row => row.querySelector('.name')?.innerText === 'Browsing').querySelector('a.fold').click()");
    browser.wait(
        "[...document.querySelectorAll('#tree .name')].some(name => name.innerText === 'shelf')",
    );
    browser.go(browser.run("return location.href").as_str().unwrap());
    browser.wait(
        "[...document.querySelectorAll('#tree .name')].some(name => name.innerText === 'shelf')",
    );
    // What changes leaves open what was opened.
    canvas.paint(shop(State::Degraded));
    browser.wait("[...document.querySelectorAll('#tree .s-degraded .name')].some(name => name.innerText === 'Checkout')");
    assert_eq!(browser.run("return [...document.querySelectorAll('#tree .name')].some(name => name.innerText === 'shelf')"), true);
    browser.run("[...document.querySelectorAll('#tree .branch')].find(row => row.querySelector('.name')?.innerText === 'Checkout').focus()");
    browser.keys(Browser::ENTER);
    browser.wait("location.pathname === '/node'");
    assert_eq!(problems(&browser), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_search_and_help() {
    let Some(shared) = SharedBrowser::get() else {
        return;
    };
    let folder = temp_dir();
    let canvas = Canvas::remembering(shop(State::Failing), folder.path()).await;
    canvas.until("/", "are failing").await;
    let browser = shared.window();
    browser.go(&canvas.url("/"));
    browser.keys("/");
    assert_eq!(browser.run("return document.activeElement.id"), "q");
    browser.keys("rabbit");
    browser.keys(Browser::ENTER);
    browser.wait(
        "location.search === '?q=rabbit' && document.querySelectorAll('#found li').length === 1",
    );
    // Typing goes on without a button, and changes the address.
    browser.keys("/");
    browser.keys("rabbit-7");
    browser.wait("location.search.includes('rabbit-7')");
    browser.keys("x");
    browser.wait(
        "document.querySelectorAll('#found li').length === 0 && document.querySelector('.empty')",
    );
    assert_eq!(
        browser.run("return document.activeElement.value"),
        "rabbit-7x",
        "nothing disturbs who types"
    );
    browser.keys(Browser::ESCAPE);
    browser.keys("?");
    browser.wait("document.querySelector('#help').open");
    browser.keys(Browser::ESCAPE);
    browser.wait("!document.querySelector('#help').open");
    browser.keys("gt");
    browser.wait("location.pathname === '/tree'");
    browser.go(&canvas.url("/past"));
    browser.wait("!document.querySelector('[data-slider]').closest('label').hidden");
    browser.run("const slider = document.querySelector('[data-slider]'); slider.value = 1439; slider.dispatchEvent(new Event('change', { bubbles: true }))");
    browser.wait("location.search.startsWith('?at=') && document.readyState === 'complete'");
    // A minute ago this instance did not run yet.
    assert!(
        browser.text("main").contains("remembered"),
        "{}",
        browser.text("main")
    );
    assert_eq!(
        problems(&browser).len(),
        1,
        "the one that is not remembered: {:?}",
        problems(&browser)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_follow_the_reader_and_are_remembered() {
    let Some(shared) = SharedBrowser::get() else {
        return;
    };
    let canvas = Canvas::new(shop(State::Passing)).await;
    let browser = shared.window();
    let ground = || browser.run("return getComputedStyle(document.body).backgroundColor");
    let (white, black) = ("rgb(255, 255, 255)", "rgb(13, 17, 23)");
    browser.prefer("light");
    browser.go(&canvas.url("/"));
    assert_eq!(ground(), white);
    browser.prefer("dark");
    assert_eq!(ground(), black);
    browser.run("document.querySelector('#theme').click()");
    assert_eq!(
        ground(),
        white,
        "a choice counts more than what the system prefers"
    );
    browser.go(&canvas.url("/tree"));
    assert_eq!(ground(), white, "and is remembered");
    assert_eq!(
        browser.run("return document.documentElement.dataset.theme"),
        "light"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_there_without_a_script() {
    let Some(shared) = SharedBrowser::get() else {
        return;
    };
    let canvas = Canvas::new(shop(State::Failing)).await;
    canvas.until("/", "are failing").await;
    let browser = shared.window();
    browser.scripts(false);
    for path in every_page() {
        browser.go(&canvas.url(&path));
        let html = browser.devtools(
            "Runtime.evaluate",
            &serde_json::json!({ "expression": "document.body.innerText" }),
        );
        let text = html["result"]["value"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(text.len() > 100, "{path}: {text}");
        assert!(
            text.contains("Reload"),
            "{path}: whoever has no script is told how to ask again"
        );
    }
    let ask = |expression: &str| {
        let answer = browser.devtools(
            "Runtime.evaluate",
            &serde_json::json!({ "expression": expression }),
        );
        answer["result"]["value"].clone()
    };
    browser.go(&canvas.url("/tree"));
    let href = ask(
        "[...document.querySelectorAll('#tree .branch')].find(row => row.querySelector('.name')?.innerText === 'Browsing').querySelector('a.fold').href",
    );
    browser.go(href.as_str().unwrap());
    assert_eq!(
        ask(
            "[...document.querySelectorAll('#tree .name')].some(name => name.innerText === 'shelf')"
        ),
        true
    );
    browser.go(&canvas.url("/theme?to=dark&back=/tree"));
    assert_eq!(
        ask("location.pathname + getComputedStyle(document.body).backgroundColor"),
        "/treergb(13, 17, 23)"
    );
    let refresh = ask("document.querySelector('noscript meta[http-equiv=refresh]')?.content ?? ''");
    assert_eq!(refresh, "60");
}

/// What finds mistakes that keep people from using a page.
pub(crate) fn axe() -> Option<String> {
    let folder = npm_package("axe-core")?;
    let script = folder.join("node_modules/axe-core/axe.min.js");
    Some(std::fs::read_to_string(script).expect("npm installed it whole"))
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_on_any_page_in_any_colours() {
    let Some(axe) = axe() else { return };
    let Some(shared) = SharedBrowser::get() else {
        return;
    };
    let folder = temp_dir();
    let canvas = Canvas::remembering(shop(State::Failing), folder.path()).await;
    canvas.until("/", "are failing").await;
    canvas.store.as_ref().unwrap().flush().await.unwrap();
    let browser = shared.window();
    browser.before_every_page(&axe);
    let mut pages = every_page();
    pages.extend([
        "/nowhere".to_owned(),
        format!("/?at={}", jiff::Timestamp::now()),
    ]);
    let mut found = Vec::new();
    for scheme in ["light", "dark"] {
        browser.prefer(scheme);
        for (nth, path) in pages.iter().enumerate() {
            // Each on one of the two, both in each colour.
            let width = if (nth + usize::from(scheme == "dark")).is_multiple_of(2) {
                1280
            } else {
                390
            };
            browser.size(width, 800);
            browser.go(&canvas.url(path));
            let result = browser.run_async("axe.run(document, { resultTypes: ['violations'] }).then(done, error => done({ error: String(error) }))");
            assert!(result["error"].is_null(), "{path}: {result}");
            for violation in result["violations"].as_array().unwrap() {
                let node = &violation["nodes"][0];
                found.push(format!(
                    "{path} {scheme} {width}: {} {} {}",
                    violation["id"], node["html"], node["failureSummary"]
                ));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_is_wider_than_a_phone() {
    let Some(shared) = SharedBrowser::get() else {
        return;
    };
    let long = "a-name-without-any-place-to-break-it-".repeat(8);
    let mut nodes = shop(State::Failing);
    nodes.push(service("long", &long, true, &long, &[&long]));
    nodes.push(sensor(&long, State::Failing, &long.repeat(5)));
    let canvas = Canvas::new(nodes).await;
    canvas.until("/", "are failing").await;
    let browser = shared.window();
    let mut pages = every_page();
    pages.extend([page_of("long"), page_of(&long)]);
    for path in &pages {
        browser.go(&canvas.url(path));
        for width in [320, 390, 768] {
            browser.size(width, 800);
            let wide = browser
                .run("return document.documentElement.scrollWidth")
                .as_u64()
                .unwrap();
            assert!(
                wide <= u64::from(width),
                "{path} takes {wide} of {width} pixels"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_were_left_hold_no_connection() {
    let Some(shared) = SharedBrowser::get() else {
        return;
    };
    let canvas = Canvas::new(shop(State::Passing)).await;
    let browser = shared.window();
    let start = Instant::now();
    // A browser has six connections for one host, and keeps the pages that were left for a minute.
    for path in [
        "/", "/tree", "/nodes", "/itself", "/past", "/public", "/", "/tree", "/nodes", "/",
    ] {
        browser.go(&canvas.url(path));
        browser.wait("document.querySelector('#live').dataset.live === 'yes'");
    }
    let took = start.elapsed();
    assert!(took < Duration::from_secs(30), "{took:?}");
    // Going back brings a page that is live again.
    browser.run("history.back()");
    browser.wait(
        "location.pathname === '/nodes' && document.querySelector('#live').dataset.live === 'yes'",
    );
    canvas.paint(shop(State::Failing));
    browser.wait("document.querySelector('#found').innerText.includes('queue orders is missing')");
}

/// P11: how soon a page can be used. Long form: `ALPACALERT_PAGE_SENSORS=10000`, in a release build.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_thousand_sensors_can_be_used_within_a_second() {
    let Some(shared) = SharedBrowser::get() else {
        return;
    };
    let sensors = std::env::var("ALPACALERT_PAGE_SENSORS").ok();
    let sensors: usize = sensors.and_then(|n| n.parse().ok()).unwrap_or(1_000);
    let limit = if sensors <= 1_000 { 1.0 } else { 2.0 };
    let canvas = Canvas::new(crate::canvas::crowd(sensors)).await;
    canvas.until("/", "services are failing").await;
    let browser = shared.window();
    for path in ["/", "/tree", "/nodes", &page_of("service-0")] {
        let mut times: Vec<f64> = (0..5).map(|_| {
            browser.go("about:blank");
            browser.go(&canvas.url(path));
            if path != "/nodes" || sensors > 0 {
                browser.wait("document.querySelector('#live').dataset.live === 'yes'");
            }
            let timing = browser.run("const t = performance.getEntriesByType('navigation')[0]; return Math.max(t.domInteractive, t.domContentLoadedEventEnd) / 1000");
            timing.as_f64().unwrap()
        }).collect();
        times.sort_by(f64::total_cmp);
        println!(
            "{sensors} sensors, {path}: {:.3} s (median of 5; worst {:.3} s)",
            times[2], times[4]
        );
        assert!(times[2] < limit, "{path} takes {times:?} s");
    }
}

/// What the browser complained about: errors of scripts, refused loads.
pub(crate) fn problems(browser: &Browser) -> Vec<String> {
    let entries = browser.logs("browser").into_iter();
    let severe =
        entries.filter(|entry: &Value| entry["level"] != "INFO" && entry["level"] != "DEBUG");
    severe.map(|entry| entry["message"].to_string()).collect()
}
