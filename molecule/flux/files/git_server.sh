#!/bin/sh
# A Git server at the address $1: SSH on port 2222, HTTPS on port 8443, the repository /srv/git/flux-k3s.git.
set -eu
useradd --system --home-dir /srv/git --create-home --shell /bin/sh git
usermod --password '*' git
install -d -m 0700 -o git -g git /srv/git/.ssh
runuser -u git -- git init --quiet --bare --initial-branch=main /srv/git/flux-k3s.git

# As a hosting service treats a deploy key that may only read.
cat > /usr/local/bin/read-only <<'END'
#!/bin/sh
case "$SSH_ORIGINAL_COMMAND" in
git-upload-pack*) exec git-shell -c "$SSH_ORIGINAL_COMMAND" ;;
esac
echo 'ERROR: The key you are authenticating with has been marked as read only.' >&2
exit 1
END
printf '#!/bin/sh\nexec git-shell -c "$SSH_ORIGINAL_COMMAND"\n' > /usr/local/bin/read-write
chmod 0755 /usr/local/bin/read-only /usr/local/bin/read-write

install -d -m 0700 /etc/ssh/git
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/git/key
cat > /etc/ssh/git/config <<'END'
Port 2222
HostKey /etc/ssh/git/key
AllowUsers git
PasswordAuthentication no
UsePAM no
PidFile none
END
systemd-run --quiet --unit=git-over-ssh --property=Restart=always /usr/sbin/sshd -D -f /etc/ssh/git/config
printf '[%s]:2222 %s\n' "$1" "$(cut -d' ' -f1,2 /etc/ssh/git/key.pub)" > /srv/git/known_hosts

cd /etc/lighttpd
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj '/CN=CA of the lab' -keyout ca.key -out ca.pem 2> /dev/null
openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout git.key -out git.csr 2> /dev/null
printf 'subjectAltName=IP:%s\n' "$1" > git.ext
openssl x509 -req -in git.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile git.ext -out git.crt 2> /dev/null
cat git.key git.crt > git.pem
chmod 0600 git.key git.pem ca.key
cat > git.conf <<END
server.modules = ("mod_setenv", "mod_alias", "mod_auth", "mod_authn_file", "mod_cgi", "mod_openssl")
server.document-root = "/srv/git"
server.port = 8443
ssl.engine = "enable"
ssl.pemfile = "/etc/lighttpd/git.pem"
alias.url = ("/git/" => "/usr/lib/git-core/git-http-backend/")
setenv.add-environment = ("GIT_PROJECT_ROOT" => "/srv/git", "GIT_HTTP_EXPORT_ALL" => "1")
cgi.assign = ("" => "")
auth.backend = "plain"
auth.backend.plain.userfile = "/etc/lighttpd/users"
auth.require = ("/git/" => ("method" => "basic", "realm" => "git", "require" => "valid-user"))
END
touch users
# runs as the owner of the repository, which git asks for
chown git users git.pem
systemctl disable --now --quiet lighttpd
systemd-run --quiet --unit=git-over-https --property=User=git --property=Restart=always /usr/sbin/lighttpd -D -f /etc/lighttpd/git.conf
cp ca.pem /srv/git/ca.pem
