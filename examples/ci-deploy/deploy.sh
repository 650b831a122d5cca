#!/bin/sh
# Deploys a folder to an environment: here, a folder as well. Usage: deploy.sh BUILD ENVIRONMENT
set -eu
: "${DEPLOY_TOKEN:?is not set}"
mkdir -p "environments/$2"
cp -R "$1/." "environments/$2/"
echo "deployed $1 to $2"
