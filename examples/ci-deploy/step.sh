#!/bin/sh
# One step of a pipeline. It ends with the exit code of the deployment, or with 125 where the gate refused it; its evidence
# stays as an artefact, and nothing goes on that does not verify.
set -eu
environment=$1

countersign exec --as deploy --policy policy.yaml --secret DEPLOY_TOKEN --stdin none \
  --envelope "evidence/$environment.json" --summary "evidence/$environment.summary.json" \
  -- ./deploy.sh build "$environment"

countersign verify --trust trusted_root.json --expect executed "evidence/$environment.json" > "evidence/$environment.txt"
echo "verified: evidence/$environment.json"
