//! The AWS regions that have Cognito user pools.

use std::fmt;

/// Regions with user pools, from botocore's endpoint data. The two in China are only in AWS's Chinese documentation.
const REGIONS: [&str; 39] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

/// An AWS region that has Cognito user pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Region(&'static str);

impl Region {
    /// The region with this name.
    ///
    /// # Errors
    ///
    /// [`UnknownRegion`] if no known region has exactly this name. To use a region that is newer than this program,
    /// configure an endpoint URL.
    pub fn parse(text: &str) -> Result<Self, UnknownRegion> {
        match REGIONS.iter().find(|region| **region == text) {
            Some(region) => Ok(Self(region)),
            None => Err(UnknownRegion { nearest: nearest(text) }),
        }
    }

    /// The name, such as `eu-central-1`.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// No region with Cognito has this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no AWS region with Cognito has this name; the nearest one is {nearest}")]
pub struct UnknownRegion {
    /// The known region with the most similar name.
    pub nearest: &'static str,
}

fn nearest(text: &str) -> &'static str {
    // Comparing costs the product of both lengths, so the text is cut; every name has less than half this length.
    let start: String = text.chars().take(32).map(|letter| letter.to_ascii_lowercase()).collect();
    let distance = |region: &&&str| strsim::damerau_levenshtein(region, &start);
    REGIONS.iter().min_by_key(distance).copied().unwrap_or("us-east-1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_region_has_the_form_of_a_region_name() {
        for region in REGIONS {
            let mut words: Vec<_> = region.split('-').collect();
            let number = words.pop().unwrap();
            assert!(number.len() == 1 && number.bytes().all(|byte| byte.is_ascii_digit()), "{region}");
            assert!(words.len() >= 2 && words[0].len() >= 2, "{region}");
            assert!(words.concat().bytes().all(|byte| byte.is_ascii_lowercase()), "{region}");
            assert_eq!(Region::parse(region).unwrap().as_str(), region);
        }
    }

    #[test]
    fn a_typing_error_suggests_the_nearest_region() {
        for (slip, meant) in [
            ("eu-central1", "eu-central-1"),
            ("EU-CENTRAL-1", "eu-central-1"),
            ("us-eats-1", "us-east-1"),
            ("us-gov-west-3", "us-gov-west-1"),
        ] {
            let found = Region::parse(slip).unwrap_err().nearest;
            assert_eq!(found, meant, "{slip}");
        }
        for nonsense in ["", "evil.example/eu-central-1", "x".repeat(1 << 20).as_str()] {
            assert!(Region::parse(nonsense).is_err());
        }
    }
}
