//! The word that the user probably meant.

/// Words with a lower similarity are not proposed; 1 is equality.
const MIN_SIMILARITY: f64 = 0.6;

/// The most similar of the words, ignoring case; `None` if none is similar.
pub(super) fn to<'word>(typed: &str, words: impl IntoIterator<Item = &'word str>) -> Option<&'word str> {
    let typed = typed.to_lowercase();
    let similarity = |word: &str| strsim::normalized_damerau_levenshtein(&typed, &word.to_lowercase());
    let similar = words.into_iter().map(|word| (similarity(word), word));
    let best = similar.filter(|(value, _)| *value >= MIN_SIMILARITY);
    best.max_by(|(left, _), (right, _)| left.total_cmp(right)).map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_similar_word_is_proposed() {
        let words = ["work", "dave", "alice"];
        assert_eq!(to("wrk", words), Some("work"));
        assert_eq!(to("ALCIE", words), Some("alice"));
        assert_eq!(to("bob", words), None);
        assert_eq!(to("", words), None);
    }
}
