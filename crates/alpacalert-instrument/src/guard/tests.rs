use std::sync::Arc;
use std::time::Duration;

use alpacalert_model::{Measurement, State};
use futures_util::future::BoxFuture;

use super::*;
use crate::{InstrumentError, Secret, testing};

/// A sensor whose whole behaviour is a function.
struct Does<F>(F);

impl<F> Sensor for Does<F>
where
    F: Fn(&Context) -> Result<Observation, SensorError> + Send + Sync + 'static,
{
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        Box::pin(async move { (self.0)(cx) })
    }
}

fn says(text: impl Into<String>) -> impl Sensor {
    let text = text.into();
    Does(move |cx: &Context| {
        Ok(Observation::passing(cx.now()).message(Severity::Info, text.clone()))
    })
}

fn only_message(observation: &Observation) -> &str {
    assert_eq!(observation.messages.len(), 1, "{observation:?}");
    &observation.messages[0].text
}

fn hiding(reference: &str, value: &str) -> Context {
    let secret = Secret::unresolved(reference).resolved(
        value.to_owned(),
        vec![(reference.to_owned(), value.to_owned())],
    );
    testing::context().with_redactor(Arc::new(Redactor::new(&[secret])))
}

#[tokio::test]
async fn a_panic_in_the_future_is_unknown() {
    let sensor = Does(|_: &Context| panic!("index {} out of bounds", 7));
    let observation = testing::measure(&sensor).await;
    assert_eq!(observation.state, State::Unknown);
    assert_eq!(observation.reason, Reason::SENSOR_BROKEN);
    assert_eq!(
        only_message(&observation),
        "the sensor panicked: index 7 out of bounds"
    );
}

#[tokio::test]
async fn a_panic_before_there_is_a_future_is_unknown() {
    struct Early;
    impl Sensor for Early {
        fn measure<'a>(
            &'a self,
            _: &'a Context,
        ) -> BoxFuture<'a, Result<Observation, SensorError>> {
            panic!("early")
        }
    }
    let observation = testing::measure(&Early).await;
    assert_eq!(observation.reason, Reason::SENSOR_BROKEN);
    assert_eq!(only_message(&observation), "the sensor panicked: early");
}

#[tokio::test]
async fn a_panic_without_a_text_is_unknown() {
    let sensor = Does(|_: &Context| std::panic::panic_any(7_u8));
    let observation = testing::measure(&sensor).await;
    assert_eq!(
        only_message(&observation),
        "the sensor panicked: without a message"
    );
}

#[tokio::test]
async fn a_panic_while_writing_the_error_is_unknown() {
    #[derive(Debug)]
    struct Rude;
    impl std::fmt::Display for Rude {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("no words")
        }
    }
    impl std::error::Error for Rude {}
    let sensor =
        Does(|_: &Context| Err(SensorError::new(Reason::fixed("io"), "cannot").because(Rude)));
    let observation = testing::measure(&sensor).await;
    assert_eq!(observation.reason, Reason::SENSOR_BROKEN);
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_a_measurement_is_given_up_is_unknown() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped")
        }
    }
    struct Hangs;
    impl Sensor for Hangs {
        fn measure<'a>(
            &'a self,
            _: &'a Context,
        ) -> BoxFuture<'a, Result<Observation, SensorError>> {
            Box::pin(async {
                let _bomb = Bomb;
                std::future::pending().await
            })
        }
    }
    let observation = testing::measure(&Hangs).await;
    assert_eq!(observation.reason, Reason::SENSOR_BROKEN);
}

#[tokio::test]
async fn an_error_is_unknown_with_its_causes_each_said_once() {
    let sensor = Does(|_: &Context| {
        let cause = SensorError::new(Reason::fixed("io"), "permission denied");
        let middle = SensorError::new(Reason::fixed("io"), "open failed: permission denied");
        let middle = middle.because(cause);
        Err(SensorError::new(Reason::fixed("forbidden"), "cannot read /x").because(middle))
    });
    let observation = testing::measure(&sensor).await;
    assert_eq!(observation.state, State::Unknown);
    assert_eq!(observation.reason.as_str(), "forbidden");
    assert_eq!(
        only_message(&observation),
        "cannot read /x: open failed: permission denied"
    );
}

#[tokio::test(start_paused = true)]
async fn a_sensor_that_never_answers_is_unknown_after_its_time_out() {
    struct Hangs;
    impl Sensor for Hangs {
        fn measure<'a>(
            &'a self,
            _: &'a Context,
        ) -> BoxFuture<'a, Result<Observation, SensorError>> {
            Box::pin(std::future::pending())
        }
    }
    let started = tokio::time::Instant::now();
    let cx = testing::context().with_timeout(Duration::from_secs(3));
    let observation = measure_guarded(&Hangs, &cx).await;
    assert_eq!(started.elapsed(), Duration::from_secs(3));
    assert_eq!(observation.state, State::Unknown);
    assert_eq!(observation.reason, Reason::TIMEOUT);
    assert_eq!(
        only_message(&observation),
        "the sensor gave no answer within 3 s"
    );
}

#[tokio::test]
async fn endless_messages_and_measurements_are_cut_and_it_says_so() {
    let sensor = Does(|cx: &Context| {
        let mut observation = Observation::failing(Reason::LIMIT, "the one that matters", cx.now());
        for n in 0..5_000 {
            observation = observation
                .message(Severity::Info, format!("line {n}"))
                .measured(Measurement::new(format!("value {n}"), 1.0, Unit::Count));
        }
        Ok(observation)
    });
    let observation = testing::measure(&sensor).await;
    assert_eq!(observation.state, State::Failing);
    assert_eq!(observation.measurements.len(), 200);
    let texts: Vec<&str> = observation.messages.iter().map(|m| &*m.text).collect();
    assert_eq!(texts.len(), 22);
    assert_eq!(texts[0], "the one that matters");
    assert_eq!(
        texts[20..],
        [
            "4981 more messages are not shown",
            "4800 more measurements are not shown"
        ]
    );
}

#[tokio::test]
async fn an_endless_message_is_cut_between_characters_and_says_how_much_is_gone() {
    let observation = testing::measure(&says("ü".repeat(1_000_000))).await;
    let text = only_message(&observation);
    assert!(text.starts_with("üüü"));
    assert!(
        text.ends_with("ü… (1998976 bytes more)"),
        "{}",
        &text[1000..]
    );
    assert!(text.len() < 1100);
}

#[tokio::test]
async fn control_characters_do_not_make_a_message_longer_than_the_limit() {
    let observation = testing::measure(&says("\u{1b}".repeat(10_000))).await;
    assert!(only_message(&observation).len() < 1100);
}

#[tokio::test]
async fn an_endless_name_or_reason_is_cut() {
    let sensor = Does(|cx: &Context| {
        let reason = Reason::new("x\u{1b}[2J".repeat(1000));
        let name = "n\u{202e}".repeat(1000);
        Ok(
            Observation::new(State::Passing, reason, cx.now()).measured(Measurement::new(
                name,
                1.0,
                Unit::Count,
            )),
        )
    });
    let observation = testing::measure(&sensor).await;
    assert!(observation.reason.as_str().len() < 150);
    assert!(!observation.reason.as_str().contains('\u{1b}'));
    assert!(observation.measurements[0].name.len() < 150);
    assert!(!observation.measurements[0].name.contains('\u{202e}'));
}

#[tokio::test]
async fn an_observation_from_the_future_is_one_of_now() {
    let sensor = Does(|_: &Context| Ok(Observation::passing(Timestamp::MAX)));
    assert_eq!(testing::measure(&sensor).await.at, testing::NOW);
}

#[tokio::test]
async fn secrets_are_taken_out_of_everything_that_a_sensor_says() {
    let cx = hiding("${env:PW}", "hunter2\u{7}");
    let sensor = Does(|cx: &Context| {
        let text = "login with hunter2\u{7} failed";
        Ok(
            Observation::failing(Reason::new(text), text, cx.now()).measured(Measurement::new(
                text,
                1.0,
                Unit::Count,
            )),
        )
    });
    let observation = measure_guarded(&sensor, &cx).await;
    assert!(!format!("{observation:?}").contains("hunter2"));
    assert_eq!(only_message(&observation), "login with ${env:PW} failed");
    let fails = Does(|_: &Context| {
        Err(SensorError::new(
            Reason::fixed("io"),
            "bad token hunter2\u{7}",
        ))
    });
    let observation = measure_guarded(&fails, &cx).await;
    assert_eq!(only_message(&observation), "bad token ${env:PW}");
    let panics = Does(|_: &Context| panic!("hunter2\u{7}"));
    let observation = measure_guarded(&panics, &cx).await;
    assert_eq!(only_message(&observation), "the sensor panicked: ${env:PW}");
}

#[tokio::test]
async fn a_secret_across_the_cut_is_hidden_whole() {
    let cx = hiding("${env:PW}", "hunter2-and-more");
    let text = format!("{}hunter2-and-more", "x".repeat(1020));
    let observation = measure_guarded(&says(text), &cx).await;
    assert!(!only_message(&observation).contains("hunt"));
}

/// A hundred texts that try to fool a terminal, a log or a reader (scorecard S12).
fn payloads() -> Vec<String> {
    let mut payloads = vec![
        "\u{1b}[2J\u{1b}[H".to_owned(),
        "\u{1b}]0;owned\u{7}".to_owned(),
        "\u{1b}]8;;http://evil.example\u{1b}\\click\u{1b}]8;;\u{1b}\\".to_owned(),
        "\u{1b}P+q544e\u{1b}\\".to_owned(),
        "\u{1b}[31mred\u{1b}[0m".to_owned(),
        "\u{1b}[6n".to_owned(),
        "\u{1b}c".to_owned(),
        "\u{9b}31m".to_owned(),
        "\u{9d}0;owned\u{9c}".to_owned(),
        "ok\rFAILING".to_owned(),
        "FAILING\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}PASSING".to_owned(),
        "a\u{0}b".to_owned(),
        "line\u{2028}line\u{2029}line".to_owned(),
        "user\u{202e}gnissap\u{202c}".to_owned(),
        "\u{2066}x\u{2069}\u{2067}y\u{2069}\u{2068}z\u{2069}".to_owned(),
        "\u{feff}bom".to_owned(),
        "vertical\u{b}tab form\u{c}feed".to_owned(),
        "next\u{85}line".to_owned(),
    ];
    let controls = (0..0x20).chain(0x7f..0xa0).filter(|c| ![9, 10].contains(c));
    let bidi = (0x202a..=0x202e)
        .chain(0x2066..=0x2069)
        .chain([0x61c, 0x200e, 0x200f]);
    for code in controls.chain(bidi) {
        let c = char::from_u32(code).expect("it is a character");
        payloads.push(format!("a{c}b"));
        payloads.push(format!("{}{c}", "x".repeat(1023)));
    }
    payloads
}

#[tokio::test]
async fn a_hundred_payloads_are_harmless_before_and_after_the_cut() {
    let payloads = payloads();
    assert!(payloads.len() >= 100, "{}", payloads.len());
    for payload in payloads {
        let observation = testing::measure(&says(payload.clone())).await;
        for text in [only_message(&observation), &*one_line(&payload, 1024)] {
            let harmful = |c: char| {
                (c.is_control() && c != '\n' && c != '\t')
                    || ('\u{202a}'..='\u{202e}').contains(&c)
                    || ('\u{2066}'..='\u{2069}').contains(&c)
                    || "\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{feff}".contains(c)
            };
            assert!(!text.contains(harmful), "{payload:?} became {text:?}");
            let said = text.contains('\u{fffd}') || text.ends_with(" bytes more)");
            assert!(said, "{payload:?} became {text:?}");
        }
    }
}

#[test]
fn a_title_is_one_line() {
    assert_eq!(one_line("two\nlines\tand\r", 100), "two lines and\u{fffd}");
    assert!(matches!(one_line("plain", 100), Cow::Borrowed("plain")));
    assert_eq!(one_line("abcdef", 3), "abc… (3 bytes more)");
}

struct Broken(fn() -> Result<Snapshot, SensorError>);

impl Source for Broken {
    fn fetch<'a>(&'a self, _: &'a Context) -> BoxFuture<'a, Result<Snapshot, SensorError>> {
        Box::pin(async { (self.0)() })
    }

    fn assemble(&self, _: &Snapshot, _: &mut crate::Builder<'_>) -> Result<(), InstrumentError> {
        Ok(())
    }
}

#[tokio::test]
async fn what_a_source_says_about_its_failure_has_no_secrets_and_an_end() {
    let cx = hiding("${env:PW}", "hunter2");
    let fails = Broken(|| {
        let cause = SensorError::new(Reason::fixed("io"), "\u{1b}".repeat(10_000));
        Err(SensorError::new(Reason::fixed("refused"), "http://u:hunter2@h/").because(cause))
    });
    let error = fetch_guarded(&fails, &cx).await.expect_err("it fails");
    assert_eq!(error.reason().as_str(), "refused");
    let text = error.chain();
    assert!(
        text.starts_with("http://u:${env:PW}@h/: \u{fffd}"),
        "{text}"
    );
    assert!(text.len() < 1100);

    let panics = Broken(|| panic!("hunter2"));
    let error = fetch_guarded(&panics, &cx).await.expect_err("it panics");
    assert_eq!(error.reason(), &Reason::SENSOR_BROKEN);
    assert_eq!(error.chain(), "the source panicked: ${env:PW}");

    let works = Broken(|| Ok(Snapshot::new(7)));
    let snapshot = fetch_guarded(&works, &cx).await.expect("it works");
    assert_eq!(snapshot.get::<i32>(), Some(&7));
    assert_eq!(snapshot.get::<u32>(), None);
}
