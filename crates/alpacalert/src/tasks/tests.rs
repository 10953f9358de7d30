use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

fn only(tasks: &Tasks) -> TaskStatus {
    let mut statuses = tasks.statuses();
    assert_eq!(statuses.len(), 1);
    statuses.remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_task_that_dies_is_started_again_ever_later_and_everybody_sees_it() {
    let (tasks, stop) = (Tasks::default(), CancellationToken::new());
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let joined = tasks.restarted("reader", stop.clone(), move || {
        let run = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            match run {
                0 => panic!("broken {}", "pipe"),
                1 => {}
                _ => std::future::pending().await,
            }
        }
    });
    tokio::time::sleep(Duration::from_millis(900)).await;
    let seen = only(&tasks);
    assert_eq!((seen.state, seen.deaths), (TaskState::Waiting, 1));
    assert_eq!(seen.problem, "panicked: broken pipe");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(only(&tasks).problem, "ended by itself");
    tokio::time::sleep(Duration::from_millis(1_800)).await;
    assert_eq!(runs.load(Ordering::SeqCst), 2, "twice the wait");
    tokio::time::sleep(Duration::from_millis(400)).await;
    let seen = only(&tasks);
    assert_eq!((seen.state, seen.deaths), (TaskState::Running, 2));
    stop.cancel();
    joined.abort();
}

#[tokio::test(start_paused = true)]
async fn being_asked_to_end_is_no_death() {
    let (tasks, stop) = (Tasks::default(), CancellationToken::new());
    let ends = stop.clone();
    let one = tasks.restarted("one", stop.clone(), move || ends.clone().cancelled_owned());
    let two = tasks.essential("two", stop.clone(), stop.clone().cancelled_owned());
    stop.cancel();
    one.await.unwrap();
    two.await.unwrap();
    for status in tasks.statuses() {
        assert_eq!((status.state, status.deaths), (TaskState::Ended, 0));
    }
}

#[tokio::test]
async fn the_death_of_an_essential_task_is_fatal() {
    let tasks = Tasks::default();
    let waiting = tasks.clone();
    let fatal = tokio::spawn(async move { waiting.fatal().await });
    let dies = async { panic!("out of luck") };
    let joined = tasks.essential("engine", CancellationToken::new(), dies);
    joined.await.unwrap();
    let said = fatal.await.unwrap();
    assert_eq!(
        said,
        "the task `engine` panicked: out of luck, and nothing works without it"
    );
    assert_eq!(tasks.fatal().await, said, "whoever asks later is told, too");
    assert_eq!(only(&tasks).state, TaskState::Dead);
}
