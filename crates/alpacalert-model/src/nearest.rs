//! Which of several words was probably meant.

/// The words, the most alike to `word` first, and the first one if it is alike enough to be offered instead.
///
/// Alike enough: at most a third of the letters are wrong, missing, too many or swapped with their neighbour. Compares
/// the first 64 letters, so that long texts cost no more.
pub(crate) fn nearest<'a>(
    word: &str,
    words: impl IntoIterator<Item = &'a str>,
) -> (Vec<&'a str>, Option<&'a str>) {
    let letters = |text: &str| -> Vec<char> { text.chars().take(64).collect() };
    let wanted = letters(word);
    let mut ranked: Vec<(usize, &str)> = words
        .into_iter()
        .map(|word| (distance(&wanted, &letters(word)), word))
        .collect();
    ranked.sort_unstable();
    let near = ranked.first().filter(|(distance, found)| {
        let longer = wanted.len().max(found.chars().take(64).count());
        *distance * 3 <= longer
    });
    let near = near.map(|(_, word)| *word);
    (ranked.into_iter().map(|(_, word)| word).collect(), near)
}

/// How many letters must be put in, left out, replaced or swapped with the next (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swapped_pair_of_letters_is_one_mistake() {
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        assert_eq!(distance(&letters("queue"), &letters("uqeue")), 1);
        assert_eq!(distance(&letters(""), &letters("abc")), 3);
        assert_eq!(distance(&letters("kitten"), &letters("sitting")), 3);
    }

    #[test]
    fn only_a_word_much_alike_is_offered() {
        let words = ["frontend", "queue", "workers"];
        assert_eq!(nearest("fronted", words).1, Some("frontend"));
        assert_eq!(nearest("database", words).1, None);
        assert_eq!(nearest("database", []), (vec![], None));
    }
}
